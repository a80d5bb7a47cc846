//! Every sealed column: secrets, and images for undoing. A new one must be named here, else a change of keys would
//! forget it.

use crate::error::StoreError;

/// One sealed column and the column that names its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its table.
    pub(crate) table: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// The column with the row's id.
    pub(crate) row: &'static str,
}

pub(crate) const CALDAV_PASSWORD: Column = Column {
    table: "caldav_account",
    name: "password",
    row: "account_id",
};
pub(crate) const GOOGLE_REFRESH_TOKEN: Column = Column {
    table: "google_account",
    name: "refresh_token",
    row: "account_id",
};
pub(crate) const GOOGLE_ACCESS_TOKEN: Column = Column {
    table: "google_account",
    name: "access_token",
    row: "account_id",
};
pub(crate) const WEBHOOK_SECRET: Column = Column {
    table: "webhook",
    name: "secret",
    row: "id",
};
pub(crate) const WEBHOOK_FORMER_SECRET: Column = Column {
    table: "webhook",
    name: "former_secret",
    row: "id",
};
pub(crate) const OAUTH_VERIFIER: Column = Column {
    table: "oauth_state",
    name: "verifier",
    row: "hash",
};
pub(crate) const UNDO_IMAGE: Column = Column {
    table: "undo",
    name: "image",
    row: "id",
};
/// Proves a key; rewritten by the change of keys itself, so not in [`ALL`].
pub(crate) const CANARY: Column = Column {
    table: "seal_key",
    name: "canary",
    row: "id",
};

/// All that a change of keys goes through.
pub(crate) const ALL: [Column; 7] = [
    CALDAV_PASSWORD,
    GOOGLE_REFRESH_TOKEN,
    GOOGLE_ACCESS_TOKEN,
    WEBHOOK_SECRET,
    WEBHOOK_FORMER_SECRET,
    OAUTH_VERIFIER,
    UNDO_IMAGE,
];

impl Column {
    /// What a sealed value is bound to.
    pub(crate) fn associated(self, row: &str) -> String {
        format!("{}|{}|{row}", self.table, self.name)
    }

    /// The error of a value that does not open.
    pub(crate) fn unsealable(self) -> StoreError {
        StoreError::Unsealable {
            table: self.table,
            column: self.name,
        }
    }
}
