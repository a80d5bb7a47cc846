//! Event rows and roles: the smallest pieces of the state.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::times::{self, Moment};

/// What an account may do with a calendar, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Role {
    /// No access: 404.
    None,
    /// Start and end only.
    FreeBusyReader,
    /// Reads; private events without details.
    Reader,
    /// Writes; private events without details.
    WriterWithoutPrivateAccess,
    /// Writes.
    Writer,
    /// Everything.
    Owner,
}

impl Role {
    pub(super) fn may_write(self) -> bool {
        self >= Self::WriterWithoutPrivateAccess
    }

    pub(super) fn sees_private(self) -> bool {
        self >= Self::Writer
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::WriterWithoutPrivateAccess => "writerWithoutPrivateAccess",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowKind {
    Single,
    Master,
    Exception { master: String, original: Moment },
}

/// One stored event. Rows outlive DELETE; only a purge removes them.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) kind: RowKind,
    /// The stored resource without what is derived (kind, etag, updated, …).
    pub(super) body: Map<String, Value>,
    pub(super) cancelled: bool,
    /// Cancelled because its master was.
    pub(super) by_cascade: bool,
    /// Change log position of the last change and of the first appearance.
    pub(super) seq: u64,
    pub(super) first_seq: u64,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Request number from which the row is visible.
    pub(super) visible_from: u64,
}

impl Row {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }

    pub(super) fn start(&self) -> Option<Moment> {
        times::stored(self.body.get("start"))
    }

    pub(super) fn end(&self) -> Option<Moment> {
        times::stored(self.body.get("end"))
    }

    pub(super) fn master(&self) -> Option<&str> {
        match &self.kind {
            RowKind::Exception { master, .. } => Some(master),
            _ => None,
        }
    }

    pub(super) fn etag(&self) -> String {
        etag(self.updated)
    }
}

/// `"<2 × microseconds>"`, quotes included.
pub(super) fn etag(updated_ms: i64) -> String {
    format!("\"{}\"", updated_ms.saturating_mul(2000))
}
