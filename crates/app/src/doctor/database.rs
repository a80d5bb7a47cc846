//! The database file: is it sound, is it ours, does the key fit, does it take writes; once a week as
//! a whole.

use store::{Inspection, StoreError};

use super::Check;
use crate::service::App;

const DATABASE: &str = "database";
const KEY: &str = "key";
/// Between two checks of the whole file.
const WEEK: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
const MEND: &str = "Stop the server and put a backup in its place: caldav-sync restore FILE. The damaged file \
                    is kept.";

/// What a look at the file says.
pub fn database(found: &Result<Inspection, StoreError>) -> Vec<Check> {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let action = match error {
                StoreError::File { .. } => {
                    "Check that DATA_DIR is the right folder and that this user may read it."
                }
                _ => MEND,
            };
            return vec![Check::fail(DATABASE, format!("{error}."), action)];
        }
    };
    let mut checks = vec![
        match &found.sound {
            Ok(()) => Check::ok(
                DATABASE,
                format!("The file is sound ({} KiB).", found.bytes / 1024),
            ),
            Err(error) => Check::fail(DATABASE, format!("{error}."), MEND),
        },
        match &found.schema {
            Ok(schema) => Check::ok(
                DATABASE,
                format!("Its schema is {schema}, as it should be."),
            ),
            Err(error @ StoreError::OlderSchema { .. }) => Check::warn(
                DATABASE,
                format!("{error}."),
                "Start this version of the server; it keeps a copy of the file first.",
            ),
            Err(error @ StoreError::NewerSchema { .. }) => Check::fail(
                DATABASE,
                format!("{error}."),
                "Run the version that wrote it, or a newer one.",
            ),
            Err(error) => Check::fail(DATABASE, format!("{error}."), MEND),
        },
    ];
    match &found.key {
        None => {}
        Some(Ok(())) => checks.push(Check::ok(KEY, "The key opens the stored secrets.")),
        Some(Err(error)) => checks.push(Check::fail(
            KEY,
            format!("{error}."),
            "Put the right key back: DATA_DIR/secret.key or SECRET_KEY. If a change of keys was \
             interrupted, run caldav-sync rekey again.",
        )),
    }
    checks
}

impl App {
    /// The file, and whether it takes writes where that is ours to try.
    pub(super) async fn check_database(&self) -> Vec<Check> {
        let mut checks = database(&self.inner.db.inspect(false).await);
        if !self.inner.db.is_read_only() {
            checks.push(match self.ready().await {
                Ok(()) => Check::ok(DATABASE, "It takes writes."),
                Err(error) => Check::fail(DATABASE, error.detail, error.action),
            });
        }
        checks
    }

    /// Checks the file as a whole, unless that was done within a week.
    pub(crate) async fn check_weekly(&self) {
        let now = self.now();
        match self.inner.db.sound_at().await {
            Ok(Some(at)) if now.duration_since(at) < WEEK => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %error, "the database cannot be asked for its last check");
                return;
            }
        }
        let found = match self.inner.db.inspect(true).await {
            Ok(found) => found.sound,
            Err(error) => Err(error),
        };
        let kept = match found {
            Ok(()) => self.inner.db.set_sound_at(now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::error!(error = %error, action = MEND, "the weekly check of the database failed");
        }
    }
}
