//! Which account and which mapping a name of the file stands for, kept over restarts. A name that
//! is gone from the file keeps its entry: when it comes back it is the same one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::records::Mapping;
use sync_engine::model::{AccountId, MappingId};

use super::DeclaredCalendar;
use crate::error::UserError;
use crate::service::App;

/// Where it is kept among the settings.
const KEY: &str = "declared_names";

/// What names stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Names {
    /// CalDAV accounts.
    pub(super) accounts: BTreeMap<String, AccountId>,
    /// Mappings.
    pub(super) mappings: BTreeMap<String, Known>,
}

/// A mapping that was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Which one.
    pub(super) id: MappingId,
    /// Its calendars as the file named them.
    pub(super) caldav: DeclaredCalendar,
    pub(super) google: DeclaredCalendar,
}

impl Names {
    /// Forgets mappings that are gone.
    pub(super) fn retain(&mut self, mappings: &[Mapping]) {
        self.mappings
            .retain(|_, known| mappings.iter().any(|mapping| mapping.id == known.id));
    }
}

impl App {
    pub(super) async fn declared_names(&self) -> Result<Names, UserError> {
        let kept = self.inner.db.setting(KEY).await?;
        // Unreadable, the same calendars and the same addresses still find each other.
        Ok(kept
            .and_then(|kept| serde_json::from_value(kept).ok())
            .unwrap_or_default())
    }

    pub(super) async fn keep_declared_names(&self, names: &Names) -> Result<(), UserError> {
        let value = crate::caldav::to_value(names);
        let kept = [(KEY.to_owned(), value)];
        Ok(self.inner.db.put_settings(kept.into()).await?)
    }
}
