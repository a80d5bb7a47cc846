//! Where reading goes on, and by which rung of the ladder: the content of the engine's opaque cursor.

use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Cursor};

/// After how many hours everything is listed again, whatever the tokens say: servers that accept any
/// token never report what was deleted before a reset.
pub(crate) const RECONCILE_HOURS: i64 = 24;

/// What is remembered between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// How changes are found next time.
    pub(crate) mode: Mode,
    /// The last complete listing.
    pub(crate) listed_at: Timestamp,
    /// How many resources it had.
    pub(crate) members: usize,
    /// How many times in a row a token was refused that the server had given itself.
    #[serde(default)]
    pub(crate) refusals: u8,
    /// The token changes although nothing else does: no reason for suspicion.
    #[serde(default)]
    pub(crate) restless: bool,
}

/// A rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum Mode {
    /// `sync-collection` from this token on.
    Sync {
        /// The token.
        token: String,
        /// The `getctag` at the last complete listing, as a second witness.
        ctag: Option<String>,
    },
    /// A complete listing whenever `getctag` is another one.
    Ctag {
        /// The `getctag`.
        ctag: String,
    },
    /// A complete listing each time.
    List,
}

impl Position {
    /// Reads a cursor; one that cannot be understood is as good as none.
    pub(crate) fn read(cursor: &Cursor<Caldav>) -> Option<Self> {
        serde_json::from_str(cursor.as_str()).ok()
    }

    /// The cursor that says this.
    pub(crate) fn cursor(&self) -> Option<Cursor<Caldav>> {
        serde_json::to_string(self).ok().map(Cursor::new)
    }

    /// Whether everything is to be listed again. A clock that was set back is a reason too.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let hours = now.duration_since(self.listed_at).as_hours();
        !(0..RECONCILE_HOURS).contains(&hours) || now < self.listed_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_their_text_form_and_foreign_ones_do_not_count() {
        for mode in [
            Mode::Sync {
                token: "http://x/1".into(),
                ctag: None,
            },
            Mode::Ctag { ctag: "7".into() },
            Mode::List,
        ] {
            let position = Position {
                mode,
                listed_at: "2026-11-22T10:00:00Z".parse().unwrap(),
                members: 3,
                refusals: 1,
                restless: false,
            };
            assert_eq!(Position::read(&position.cursor().unwrap()), Some(position));
        }
        assert_eq!(Position::read(&Cursor::new("something else")), None);
    }

    #[test]
    fn a_complete_listing_is_due_after_a_day_and_after_the_clock_went_back() {
        let position = Position {
            mode: Mode::List,
            listed_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            members: 0,
            refusals: 0,
            restless: false,
        };
        for (now, due) in [
            ("2026-11-22T10:00:00Z", false),
            ("2026-11-23T09:59:59Z", false),
            ("2026-11-23T10:00:00Z", true),
            ("2026-11-22T09:59:59Z", true),
        ] {
            assert_eq!(position.is_due(now.parse().unwrap()), due, "{now}");
        }
    }
}
