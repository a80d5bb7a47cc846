//! What both sides changed: the list, and a person's answer where one has to give it.

use store::StoreError;
use store::records::{ConflictPage, ConflictRecord, ConflictStatus};
use sync_engine::conflict::{Keep, Version};
use sync_engine::model::{ConflictId, MappingId};

use crate::error::{Kind, UserError};
use crate::scheduler::{RunHandle, may_run};
use crate::service::App;
use crate::task::Job;

/// Open conflicts of a mapping that are looked through for one that took another's place.
const LOOKED_THROUGH: u32 = 1_000;

impl App {
    /// Conflicts, newest first: open ones, decided ones or all; of one mapping or all; from before
    /// a conflict.
    pub async fn conflicts(
        &self,
        mapping: Option<&str>,
        status: Option<ConflictStatus>,
        limit: u32,
        before: Option<&str>,
    ) -> Result<ConflictPage, UserError> {
        let mapping = mapping.map(MappingId::new);
        let before = before.map(ConflictId::new);
        let db = &self.inner.db;
        Ok(db
            .conflicts(mapping.as_ref(), status, limit, before.as_ref())
            .await?)
    }

    /// Answers an open conflict; the run returned carries it out. Its id stands for exactly the two
    /// versions that were shown: if a side changed meanwhile, nothing is done.
    pub async fn decide_conflict(&self, id: &str, keep: Keep) -> Result<RunHandle, UserError> {
        let id = ConflictId::new(id);
        let db = &self.inner.db;
        let record = match db.conflict(&id).await {
            Err(StoreError::NotFound { .. }) => {
                return Err(UserError::not_found("conflict", id.as_str()));
            }
            other => other?,
        };
        if record.status == ConflictStatus::Decided {
            return Err(self.no_longer_open(&record).await?);
        }
        by_field(&record, &keep)?;
        let mapping = db.mapping(&record.mapping).await?;
        may_run(&mapping)?;
        match db.decide_conflict(&id, keep).await {
            // A run was quicker.
            Err(StoreError::AlreadyDecided { .. }) => {
                return Err(self.no_longer_open(&record).await?);
            }
            other => other?,
        };
        self.ask(&mapping, Job::DUE).await
    }

    /// Why a conflict cannot be answered any more: another stands in its place, or it was decided.
    async fn no_longer_open(&self, record: &ConflictRecord) -> Result<UserError, UserError> {
        let open = self
            .inner
            .db
            .conflicts(
                Some(&record.mapping),
                Some(ConflictStatus::Open),
                LOOKED_THROUGH,
                None,
            )
            .await?;
        let of = |record: &ConflictRecord| (record.conflict.row.clone(), record.conflict.key);
        let same = of(record);
        let now = open.conflicts.iter().find(|other| of(other) == same);
        Ok(match now {
            Some(now) => UserError::new(
                Kind::Conflict,
                "conflict_changed",
                "The conflict has changed",
                "What you saw is not what stands against each other now: a side was changed again.",
                "Look at the conflict again and decide about what it shows now.",
            )
            .with("current_id", now.conflict.id.as_str()),
            None => UserError::new(
                Kind::Conflict,
                "conflict_decided",
                "The conflict is decided",
                "This conflict waits for nobody any more: it was decided, or both sides agree by now.",
                "Nothing is to be done. To have it another way, change the event on either side.",
            ),
        })
    }
}

/// A choice field by field needs fields on both sides.
fn by_field(record: &ConflictRecord, keep: &Keep) -> Result<(), UserError> {
    let fields = |version: &Version| matches!(version, Version::Fields(_));
    let conflict = &record.conflict;
    if matches!(keep, Keep::Fields(_)) && !(fields(&conflict.caldav) && fields(&conflict.google)) {
        return Err(UserError::invalid(
            "keep",
            "On one side the event has no fields to choose from: keep caldav or google.",
        ));
    }
    Ok(())
}
