//! What the engine keeps between two readings for us: the sync token, and what the account could
//! see when it was given.

use serde::{Deserialize, Serialize};
use sync_engine::model::{Cursor, Google};

use crate::requests::AccessRole;

/// The cursor's content. JSON; one that cannot be read means: read everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Google's `nextSyncToken`.
    pub(super) token: String,
    /// The role that the mirror was filled with. A demotion does not reach it, for nothing is taken
    /// from a listing then: until the account sees as much again, what is missing or empty may just
    /// be hidden.
    pub(super) role: Option<AccessRole>,
}

impl Place {
    pub(super) fn read(cursor: &Cursor<Google>) -> Option<Self> {
        serde_json::from_str(cursor.as_str()).ok()
    }

    pub(super) fn write(&self) -> Option<Cursor<Google>> {
        serde_json::to_string(self).ok().map(Cursor::new)
    }
}
