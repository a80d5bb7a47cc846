//! What a run writes down besides its writes: what is held, conflicts and answers, events that could
//! not be planned for, rows that change by themselves.

use super::apply::Writing;
use super::outcome::Outcome;
use super::{Halt, Run};
use crate::conflict::Conflict;
use crate::guard::Guarded;
use crate::model::time::Timestamp;
use crate::model::{Both, Caldav, Google};
use crate::plan::operation::{ActionKind, Reason};
use crate::plan::{Group, Plan, Refused, Weight};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{MappingState, RowChange, Settlement, Store};
use crate::report::EventRecord;

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// A person's answers are spent once what they asked for was carried out.
    pub(super) async fn spend(
        &self,
        late: Vec<Conflict>,
        writing: &Writing,
    ) -> Result<(), Halt<S::Error>> {
        let conflicts: Vec<Conflict> = {
            let unclean = writing.unclean();
            let done = |conflict: &Conflict| !unclean.contains(&conflict.row);
            late.into_iter().filter(done).collect()
        };
        if conflicts.is_empty() {
            return Ok(());
        }
        let settlement = Settlement {
            conflicts,
            ..Settlement::default()
        };
        self.write_down(settlement).await
    }

    /// Events that could not be planned for are on record as failed, each by itself.
    pub(super) async fn tell_refused(
        &self,
        refused: &[Refused],
        now: Timestamp,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        if refused.is_empty() {
            return Ok(());
        }
        let events: Vec<EventRecord> = refused
            .iter()
            .map(|refused| EventRecord {
                uid: refused.uid.clone(),
                recurrence_id: None,
                summary: refused.summary.clone(),
                side: refused.side,
                action: ActionKind::Update,
                reason: Reason::Changed,
                changes: Vec::new(),
                error: Some(refused.problem.clone()),
                at: now,
            })
            .collect();
        for event in &events {
            outcome.event(event.clone());
        }
        let settlement = Settlement {
            events,
            ..Settlement::default()
        };
        self.write_down(settlement).await
    }

    /// Remembers what the guard holds back, and has it planned again next time.
    pub(super) async fn hold(
        &self,
        guarded: &Guarded,
        state: &mut MappingState,
        now: Timestamp,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let count: usize = guarded.held.iter().map(|held| held.operations.len()).sum();
        outcome.held(u32::try_from(count).unwrap_or(u32::MAX));
        state.held.clone_from(&guarded.held);
        state.orphans = Both::default();
        let orphans = guarded
            .waiting
            .iter()
            .filter(|g| g.weight == Weight::Orphan);
        for row in orphans.map(|group| &group.row) {
            let keys = row.link::<Caldav>().map(|link| link.keys.clone());
            state.orphans.caldav.extend(keys.into_iter().flatten());
            let keys = row.link::<Google>().map(|link| link.keys.clone());
            state.orphans.google.extend(keys.into_iter().flatten());
        }
        let rows: Vec<RowChange> = guarded
            .waiting
            .iter()
            .filter(|group| group.weight != Weight::Orphan)
            .map(|group| {
                let mut row = group.row.clone();
                row.due = Some(now);
                RowChange::Put(Box::new(row))
            })
            .collect();
        self.keep_rows(&rows).await
    }

    /// Puts conflicts on record before anything is written because of them. Returns those that a
    /// person decided and that something is still to be written for: their answers are not spent
    /// yet.
    pub(super) async fn keep_conflicts(
        &self,
        plan: &Plan,
        waiting: &[Group],
        outcome: &Outcome,
    ) -> Result<Vec<Conflict>, Halt<S::Error>> {
        outcome.conflicts(&plan.conflicts);
        if plan.conflicts.is_empty() && plan.over.is_empty() {
            return Ok(Vec::new());
        }
        let decisions = self
            .store
            .decisions(&self.mapping.id)
            .await
            .map_err(Halt::Store)?;
        let (late, conflicts): (Vec<Conflict>, Vec<Conflict>) =
            plan.conflicts.iter().cloned().partition(|conflict| {
                let decided = decisions.iter().any(|known| known.conflict == conflict.id);
                let mut groups = plan.groups.iter().chain(waiting);
                decided && groups.any(|group| group.row.key == conflict.row)
            });
        let settlement = Settlement {
            conflicts,
            over: plan.over.clone(),
            veils: self.mapping.hides_texts(),
            ..Settlement::default()
        };
        self.write_down(settlement).await?;
        Ok(late)
    }

    pub(super) async fn keep_rows(&self, rows: &[RowChange]) -> Result<(), Halt<S::Error>> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write_down(Settlement {
            rows: rows.to_vec(),
            ..Settlement::default()
        })
        .await
    }

    /// One transaction of the store.
    pub(super) async fn write_down(&self, settlement: Settlement) -> Result<(), Halt<S::Error>> {
        self.store
            .settle(&self.mapping.id, &self.id, settlement)
            .await
            .map_err(Halt::Store)
    }
}
