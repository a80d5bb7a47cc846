//! What complete readings have missed within a day, whoever read: a server that loses a few events
//! at every listing is as much an accident as one that loses them at once.

use std::collections::BTreeSet;

use super::{Halt, Run};
use crate::guard::Measure;
use crate::mapping::Direction;
use crate::model::time::Timestamp;
use crate::model::{Both, Caldav, Google, ResourceId};
use crate::plan::{Known, Plan, Weight, known};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{MappingState, Store};
use crate::sided::Sided;

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// What the guard measures a plan by.
    pub(super) async fn measure(
        &self,
        plan: &Plan,
        now: Timestamp,
        state: &MappingState,
    ) -> Result<Measure, Halt<S::Error>> {
        let pending = pending(plan);
        let (from_caldav, from_google) = match self.mapping.direction {
            Direction::CaldavToGoogle => (true, false),
            Direction::GoogleToCaldav => (false, true),
            Direction::Bidirectional => (true, true),
        };
        let mut missed = 0;
        if from_caldav {
            missed += self.missed::<Caldav>(&pending.caldav, now, state).await?;
        }
        if from_google {
            missed += self.missed::<Google>(&pending.google, now, state).await?;
        }
        Ok(Measure {
            tracked: self.tracked().await?,
            missed,
        })
    }

    /// Resources that were missed before this run, but for those that its plan deals with: these
    /// are counted there.
    async fn missed<T: Sided>(
        &self,
        pending: &[ResourceId<T>],
        now: Timestamp,
        state: &MappingState,
    ) -> Result<u64, Halt<S::Error>> {
        let day = jiff::SignedDuration::from_hours(24);
        let yesterday = now.checked_sub(day).unwrap_or(Timestamp::MIN);
        let after = state.looked_at.map_or(yesterday, |at| at.max(yesterday));
        let absent = self
            .store
            .absent(T::calendar(self.mapping), after)
            .await
            .map_err(Halt::Store)?;
        let pending: BTreeSet<_> = pending.iter().collect();
        let before = absent.iter().filter(|(_, at)| *at < now);
        let missed = before.filter(|(resource, _)| !pending.contains(resource));
        Ok(missed.count() as u64)
    }
}

/// What a plan removes something for.
fn pending(plan: &Plan) -> Both<Known> {
    let mut pending: Both<Known> = Both::default();
    let mut add = |mut one: Both<Known>| {
        pending.caldav.append(&mut one.caldav);
        pending.google.append(&mut one.google);
    };
    plan.lost.values().cloned().for_each(&mut add);
    let removing = plan.groups.iter().filter(|group| {
        matches!(
            group.weight,
            Weight::Removes | Weight::Empties | Weight::Guests
        )
    });
    removing.map(|group| known(&group.row)).for_each(add);
    pending
}
