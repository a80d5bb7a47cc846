//! What is on record: runs, an event's history, the calendars as last seen. Reads only; nothing here
//! asks a server.

use store::records::{Calendar, History, Left, Run, RunPage};
use sync_engine::model::{AccountId, MappingId, RunId, Side, Uid};

use crate::error::UserError;
use crate::service::App;

impl App {
    /// Runs, newest first and without events: of one mapping or all, from before a run.
    pub async fn runs(
        &self,
        mapping: Option<&str>,
        limit: u32,
        before: Option<&str>,
    ) -> Result<RunPage, UserError> {
        let mapping = mapping.map(MappingId::new);
        let before = before.map(RunId::new);
        let db = &self.inner.db;
        Ok(db.runs(mapping.as_ref(), limit, before.as_ref()).await?)
    }

    /// One run with its events.
    pub async fn run(&self, id: &str) -> Result<Run, UserError> {
        Ok(self.inner.db.run(&RunId::new(id)).await?)
    }

    /// How many of a run's writes can still be taken back.
    pub async fn undoable_writes(&self, id: &str) -> Result<u64, UserError> {
        Ok(self.inner.db.undoable(&RunId::new(id)).await?)
    }

    /// What happened to an event, newest first: a page of it.
    pub async fn history(
        &self,
        uid: &str,
        mapping: Option<&str>,
        limit: u32,
        before: Option<&str>,
    ) -> Result<History, UserError> {
        let mapping = mapping.map(MappingId::new);
        let (uid, db) = (Uid::new(uid), &self.inner.db);
        Ok(db.history(&uid, mapping.as_ref(), limit, before).await?)
    }

    /// The events of a mapping that are left as they are, at most `limit`.
    pub async fn left(&self, mapping: &str, limit: u32) -> Result<Vec<Left>, UserError> {
        let mapping = MappingId::new(mapping);
        Ok(self.inner.db.left(&mapping, limit).await?)
    }

    /// The calendars of a side as they were last seen, of one account or all.
    pub async fn known_calendars(
        &self,
        side: Side,
        account: Option<&str>,
    ) -> Result<Vec<Calendar>, UserError> {
        let account = account.map(AccountId::new);
        Ok(self.inner.db.calendars(side, account.as_ref()).await?)
    }
}
