//! What the guard holds back, and a person's answer to it.

use store::records::Mapping;
use sync_engine::guard::Held;
use sync_engine::model::{MappingId, PlanId};

use crate::error::{Kind, UserError};
use crate::scheduler::{RunHandle, SyncRequest};
use crate::service::App;

/// What a person says to a held plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Do exactly this, once.
    Approve,
    /// Put it back on the side it vanished from.
    Restore,
    /// Switch the mapping off.
    Pause,
}

/// What came of a decision.
#[derive(Debug, Clone)]
pub enum Decided {
    /// A run carries it out.
    Run(RunHandle),
    /// The mapping is off.
    Paused(Box<Mapping>),
}

impl App {
    /// What the guards hold back, mapping by mapping.
    pub async fn held(&self) -> Result<Vec<(MappingId, Held)>, UserError> {
        Ok(self.inner.db.held().await?)
    }

    /// Answers a held plan. Its id stands for exactly its content: if it changed meanwhile, nothing
    /// is done.
    pub async fn decide_held(&self, id: &str, decision: Decision) -> Result<Decided, UserError> {
        let plan = PlanId::new(id);
        let all = self.held().await?;
        let Some((mapping, _)) = all.iter().find(|(_, held)| held.id == plan) else {
            return Err(match all.as_slice() {
                [] => UserError::not_found("held plan", id),
                [(_, current), ..] => UserError::new(
                    Kind::Conflict,
                    "held_changed",
                    "What is held has changed",
                    "What you saw is not what is held now: something changed on one of the sides.",
                    "Look at the list again and decide about what it shows now.",
                )
                .with("current_id", current.id.as_str()),
            });
        };
        match decision {
            Decision::Approve => {
                self.inner.db.approve(mapping, &plan).await?;
                let request = SyncRequest {
                    mapping_id: Some(mapping.as_str().to_owned()),
                };
                let run = self.sync(request).await?.pop();
                run.map(Decided::Run)
                    .ok_or_else(|| UserError::mapping_disabled(mapping))
            }
            Decision::Restore => Err(UserError::new(
                Kind::Conflict,
                "source_is_read_only",
                "The source is never written",
                "This mapping goes one way: nothing can be put back on the side the events vanished \
                 from.",
                "Restore the events in the calendar they come from. The removal lapses with the next \
                 run.",
            )),
            Decision::Pause => Ok(Decided::Paused(Box::new(
                self.enable_mapping(mapping.as_str(), false).await?,
            ))),
        }
    }
}
