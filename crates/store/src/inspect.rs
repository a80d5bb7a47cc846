//! A look at a database file that changes nothing, whoever has it open: is it sound, is it ours,
//! does the key fit. Called by the commands that work on files, and by the check of everything.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use crate::connection::{self, Use};
use crate::convert::{count, micros, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::schema;
use crate::seal::{Keys, canary};

/// What a look at a database file shows.
#[derive(Debug)]
pub struct Inspection {
    /// Whether SQLite finds it sound.
    pub sound: Result<(), StoreError>,
    /// Its schema; an error when it is not the one this program works with, or not ours at all.
    pub schema: Result<u32, StoreError>,
    /// Whether the key opens its secrets; `None` when that was not asked, or there are none to tell.
    pub key: Option<Result<(), StoreError>>,
    /// Bytes of what is in it.
    pub bytes: u64,
}

/// Looks at the database at `path`. `thorough` checks its indexes too. Blocks.
///
/// # Errors
/// [`StoreError::File`] when there is no such file, [`StoreError::Sql`] when it cannot be opened.
pub fn inspect(path: &Path, keys: Option<&Keys>, thorough: bool) -> Result<Inspection, StoreError> {
    std::fs::metadata(path).map_err(|source| crate::files::at("cannot open", path, source))?;
    let conn = connection::connect(path, Use::Look)?;
    let pages = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let bytes = pages("page_count")?.saturating_mul(pages("page_size")?);
    let sound = if thorough {
        connection::integrity_check(&conn)
    } else {
        connection::quick_check(&conn)
    };
    let schema = schema::current(&conn, path);
    let ours = matches!(
        schema,
        Ok(_) | Err(StoreError::OlderSchema { found: 1.., .. })
    );
    Ok(Inspection {
        sound,
        key: keys.filter(|_| ours).map(|keys| canary::check(&conn, keys)),
        schema,
        bytes: count(bytes),
    })
}

/// Whether a file may be worked with: sound, and of a schema this program knows.
///
/// # Errors
/// What [`inspect`] finds, the worst first.
pub(crate) fn usable(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::look(conn, path)? {
        schema::Found::Schema(_) => connection::integrity_check(conn),
        schema::Found::Empty => Err(StoreError::Foreign {
            path: path.to_owned(),
        }),
    }
}

/// When the last whole check found the database sound.
const SOUND_AT: &str = "sound_at";

impl Db {
    /// When the last whole check found the database sound; `None` before the first.
    pub async fn sound_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|conn| {
            let at: Option<String> = conn
                .query_row("SELECT value FROM meta WHERE key = ?1", [SOUND_AT], |row| {
                    row.get(0)
                })
                .optional()?;
            at.and_then(|at| at.parse().ok()).map(timestamp).transpose()
        })
        .await
    }

    /// Remembers that a whole check found the database sound.
    pub async fn set_sound_at(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [SOUND_AT, &micros(now).to_string()],
            )?;
            Ok(())
        })
        .await
    }
}
