//! Plans that people ask for: the removal of all copies before a mapping goes, and of those outside
//! the window or without a source. Never made by themselves.

use super::flow::Flow;
use super::operation::{After, Reason};
use super::{Group, Plan, PlanInput, Weight};
use crate::model::{Caldav, Google};
use crate::model::{Side, SideTag, Uid};
use crate::recurrence;
use crate::sided::Sided;

/// Which copies are to be cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanUp {
    /// Those that do not touch the window any more. They come back when they enter it.
    OutsideWindow,
    /// Those without a source.
    Orphans,
}

/// The removal of every copy the mapping made: for a mapping that is about to be deleted. Natives,
/// copies that somebody gave guests, what cannot be read and what was handed over (`spared`) stay.
pub fn removal_of_copies(input: &PlanInput, spared: &[Uid]) -> Plan {
    let mut plan = Plan::default();
    if input.mapping.writes(Side::Google) {
        remove::<Google>(input, spared, &mut plan);
    }
    if input.mapping.writes(Side::Caldav) {
        remove::<Caldav>(input, spared, &mut plan);
    }
    plan
}

fn remove<B: Sided>(input: &PlanInput, spared: &[Uid], plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    for series in &input.series {
        let (Some(row), Some(copy)) = (&series.row, series.views.get::<B>().present()) else {
            continue;
        };
        let ours = row.copy == Some(B::SIDE) && row.link::<B>().is_some();
        if ours && !copy.has_guests && !spared.contains(&row.uid) {
            plan.groups.push(Group {
                row: row.clone(),
                steps: flow.remove_all(row, copy, After::Dropped, Reason::Deleted),
                finally: Vec::new(),
                again: false,
                weight: Weight::Rewrites,
                due: None,
            });
        }
    }
}

/// The clean-up a person asked for.
pub fn clean_up(input: &PlanInput, what: CleanUp) -> Plan {
    let mut plan = Plan::default();
    match what {
        CleanUp::Orphans => {
            let all = super::plan(input);
            let orphans = all.groups.into_iter();
            plan.groups = orphans
                .filter(|group| group.weight == Weight::Orphan)
                .map(|group| Group {
                    weight: Weight::Rewrites,
                    ..group
                })
                .collect();
        }
        CleanUp::OutsideWindow => {
            if input.mapping.writes(Side::Google) {
                outside::<Caldav, Google>(input, &mut plan);
            }
            if input.mapping.writes(Side::Caldav) {
                outside::<Google, Caldav>(input, &mut plan);
            }
        }
    }
    plan
}

fn outside<A: SideTag, B: Sided>(input: &PlanInput, plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    for series in &input.series {
        let (Some(row), Some(source), Some(copy)) = (
            &series.row,
            series.views.get::<A>().present(),
            series.views.get::<B>().present(),
        ) else {
            continue;
        };
        let ours = row.copy == Some(B::SIDE) && row.link::<B>().is_some();
        let touches = recurrence::touches(&source.series, flow.window, flow.floating);
        // What somebody changed there has to cross first.
        let agreed = row.link::<B>().is_some_and(|link| link.echo == copy.series);
        if ours && !touches && !copy.has_guests && agreed {
            plan.groups.push(Group {
                due: flow.enters(&source.series),
                steps: flow.remove_all(row, copy, After::Withheld, Reason::OutsideWindow),
                row: row.clone(),
                finally: Vec::new(),
                again: false,
                weight: Weight::Rewrites,
            });
        }
    }
}
