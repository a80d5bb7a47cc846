//! What the guard holds back, and a person's answer to it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use store::StoreError;
use store::records::{Direction, Mapping};
use sync_engine::guard::{Held, HeldKind};
use sync_engine::model::{MappingId, PlanId, Side};

use crate::error::{Kind, UserError};
use crate::scheduler::{RunHandle, may_run};
use crate::service::App;
use crate::task::Job;

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

/// Plans that were shown, and are remembered.
const SEEN: usize = 1_000;

/// Whose the plans were that somebody was shown since the start. Ids say nothing of what took a plan's
/// place.
#[derive(Default)]
pub(crate) struct Seen(Mutex<VecDeque<(MappingId, Held)>>);

impl Seen {
    fn note(&self, shown: &[(MappingId, Held)]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (mapping, held) in shown {
            if seen.iter().any(|(_, known)| known.id == held.id) {
                continue;
            }
            if seen.len() >= SEEN {
                seen.pop_front();
            }
            // Whose it is and what kind; not what is in it.
            let plan = Held {
                operations: Vec::new(),
                ..held.clone()
            };
            seen.push_back((mapping.clone(), plan));
        }
    }

    fn find(&self, id: &str) -> Option<(MappingId, Held)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = seen.iter();
        seen.find(|(_, held)| held.id.as_str() == id).cloned()
    }
}

impl App {
    /// What the guards hold back, mapping by mapping.
    pub async fn held(&self) -> Result<Vec<(MappingId, Held)>, UserError> {
        let held = self.inner.db.held().await?;
        self.inner.seen.note(&held);
        Ok(held)
    }

    /// Nothing is held under this id, or not any more: what the same mapping holds now, if it was
    /// one that somebody was shown.
    fn gone(&self, id: &str, all: &[(MappingId, Held)]) -> UserError {
        let Some((mapping, was)) = self.inner.seen.find(id) else {
            return UserError::not_found("held plan", id);
        };
        let mut now: Vec<&Held> = all
            .iter()
            .filter(|(other, _)| *other == mapping)
            .map(|(_, held)| held)
            .collect();
        // What is most like it first.
        now.sort_by_key(|held| (held.kind != was.kind, held.side != was.side));
        let ids: Vec<Value> = now
            .iter()
            .map(|held| Value::from(held.id.as_str()))
            .collect();
        let Some(first) = ids.first().cloned() else {
            return UserError::not_found("held plan", id);
        };
        UserError::new(
            Kind::Conflict,
            "held_changed",
            "What is held has changed",
            "What you saw is not what is held now: something changed on one of the sides.",
            "Look at the list again and decide about what it shows now.",
        )
        .with("current_id", first)
        .with("current_ids", ids)
    }

    /// Answers a held plan. Its id stands for exactly its content: if it changed meanwhile, nothing
    /// is done.
    pub async fn decide_held(&self, id: &str, decision: Decision) -> Result<Decided, UserError> {
        let plan = PlanId::new(id);
        let all = self.held().await?;
        let Some((mapping, held)) = all.iter().find(|(_, held)| held.id == plan) else {
            return Err(self.gone(id, &all));
        };
        let stored = self.inner.db.mapping(mapping).await?;
        if decision == Decision::Pause {
            let paused = self.enable_mapping(mapping.as_str(), false).await?;
            return Ok(Decided::Paused(Box::new(paused)));
        }
        may_run(&stored)?;
        let answered = match decision {
            Decision::Restore => {
                restorable(&stored, held)?;
                self.inner.db.restore_held(mapping, &plan).await
            }
            Decision::Approve | Decision::Pause => self.inner.db.approve(mapping, &plan).await,
        };
        match answered {
            Err(StoreError::NotFound { .. }) => return Err(self.gone(id, &self.held().await?)),
            other => other?,
        }
        Ok(Decided::Run(self.ask(&stored, Job::DUE).await?))
    }
}

/// Whether what is held can be put back on the side it vanished from.
pub fn may_restore(mapping: &Mapping, held: &Held) -> bool {
    held.kind == HeldKind::Deletions && writes(mapping.settings.direction, held.side.other())
}

fn restorable(mapping: &Mapping, held: &Held) -> Result<(), UserError> {
    if may_restore(mapping, held) {
        return Ok(());
    }
    if held.kind != HeldKind::Deletions {
        return Err(UserError::invalid(
            "decision",
            "Only removals can be put back: here nothing has vanished.",
        ));
    }
    Err(UserError::new(
        Kind::Conflict,
        "source_is_read_only",
        "The source is never written",
        "This mapping goes one way: nothing can be put back on the side the events vanished from.",
        "Restore the events in the calendar they come from. The removal lapses with the next run.",
    ))
}

fn writes(direction: Direction, side: Side) -> bool {
    match direction {
        Direction::CaldavToGoogle => side == Side::Google,
        Direction::GoogleToCaldav => side == Side::Caldav,
        Direction::Bidirectional => true,
    }
}
