//! What the engine may rely on, checked over any store: each check takes a fresh [`Bench`].

pub(crate) mod answers;
mod by_model;
mod mapping;
mod mirror;

use std::collections::BTreeSet;

use sync_engine::guard::{Held, HeldKind};
use sync_engine::mirror::Reading;
use sync_engine::model::{
    Both, Caldav, ComponentKey, IntentId, PlanId, ResourceId, RunId, SeriesKey, Side, SideTag, Uid,
};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::{Account, ActionKind, After, Operation, Reason, Step, Write};
use sync_engine::ports::side::{Remove, Resource};
use sync_engine::ports::store::{ChangeSet, Intent, Store as _};
use sync_engine::row::{Link, Row, RowKey};

use crate::bench::{Bench, Joined, at};

/// Makes a module of tests for a store: every check on a fresh one.
macro_rules! conforms {
    ($store:ident, $fresh:expr, $($group:ident::$check:ident)*) => {
        mod $store {
            $(#[tokio::test]
            async fn $check() {
                super::$group::$check(&$fresh).await;
            })*
        }
    };
}

/// What every store has to pass.
macro_rules! common {
    ($store:ident, $fresh:expr) => {
        conforms! {
            $store, $fresh,
            mirror::a_calendar_never_read_is_empty
            mirror::cursor_and_dates_come_with_the_end_of_a_reading
            mirror::equal_states_change_nothing
            mirror::every_difference_has_its_change_number
            mirror::only_a_reading_shows
            mirror::what_is_gone_stays_known_and_may_return
            mirror::gone_and_never_seen_is_nothing
            mirror::series_are_found_by_uid_and_by_origin
            mapping::changes_are_exactly_what_changed_since_the_marks
            mapping::rows_are_found_by_name_and_by_link
            mapping::due_rows_come_when_they_are_due
            mapping::an_intent_stays_until_it_is_settled
            mapping::a_settlement_is_one_unit
            mapping::namesakes_are_rows_of_every_mapping_of_the_calendar
            mapping::the_state_between_runs_is_kept
            mirror::calendars_of_one_name_on_two_sides_are_two
            mirror::a_version_named_again_is_shown
            mirror::what_a_listing_left_out_is_remembered
            answers::an_answer_stays_until_it_is_carried_out
            answers::a_conflict_that_is_over_is_open_no_more
            answers::what_a_run_wrote_comes_newest_first
            answers::answers_given_during_a_run_are_not_lost
            answers::namesakes_survive_a_crash
        }
    };
}

/// What a store that is kept has to pass besides: rare turns of a resource's life, and several
/// mappings. The engine's store in memory is simpler there.
macro_rules! thorough {
    ($store:ident, $fresh:expr) => {
        conforms! {
            $store, $fresh,
            mirror::foreign_things_are_remembered_by_version_only
            mirror::unreadable_is_present_and_keeps_what_it_showed
            mirror::a_resource_that_changes_its_series_changes_both
        }
    };
}

common!(sqlite, crate::bench::Sqlite::new());
thorough!(sqlite_thorough, crate::bench::Sqlite::new());
common!(memory, crate::bench::Memory::default());

pub(crate) fn part<S: SideTag>(seconds: i64, seen: Vec<Seen<S>>) -> Reading<S> {
    Reading {
        at: at(seconds),
        seen,
        unlisted: BTreeSet::new(),
        same: Vec::new(),
        shown: true,
        end: None,
    }
}

fn answer<S: SideTag>(seconds: i64, seen: Vec<Seen<S>>) -> Reading<S> {
    Reading {
        shown: false,
        ..part(seconds, seen)
    }
}

fn keys<S: SideTag>(names: &[&str]) -> Vec<SeriesKey<S>> {
    names.iter().map(|name| SeriesKey::new(*name)).collect()
}

fn link<S: SideTag>(names: &[&str]) -> Option<Link<S>> {
    (!names.is_empty()).then(|| Link {
        keys: keys(names),
        resources: vec![(ComponentKey::Master, ResourceId::new("r"))],
        shown: true,
        ..Link::empty()
    })
}

pub(crate) fn row(name: &str, caldav: &[&str], google: &[&str]) -> Row {
    let mut row = Row::new(
        RowKey::new::<Caldav>(&SeriesKey::new(name)),
        Uid::new(format!("{name}@example.com")),
        Some(Side::Google),
    );
    row.links = Both {
        caldav: link(caldav),
        google: link(google),
    };
    row
}

pub(crate) fn intent(id: &str, row: Row) -> Intent {
    let step = Step::Google(Operation {
        row: row.key.clone(),
        write: Write::Remove(Remove {
            resource: Resource {
                id: ResourceId::new("r"),
                etag: None,
                note: None,
            },
            attending: false,
        }),
        agrees: Vec::new(),
        spares: Vec::new(),
        after: After::Dropped,
        before: None,
        account: account(),
    });
    Intent {
        id: IntentId::new(id),
        run: RunId::new("run_1"),
        at: at(1),
        row,
        step,
    }
}

pub(crate) fn account() -> Account {
    Account {
        action: ActionKind::Delete,
        uid: Uid::new("a@example.com"),
        key: ComponentKey::Master,
        summary: "Lunch".to_owned(),
        start: None,
        recurrence_id: None,
        reason: Reason::Deleted,
        changes: Vec::new(),
        counted: true,
    }
}

/// Something held, of these parts and rows; one operation a row.
pub(crate) fn held(id: &str, parts: &[&str], rows: &[&str]) -> Held {
    Held {
        id: PlanId::new(id),
        kind: HeldKind::Deletions,
        side: Side::Google,
        since: at(1),
        operations: rows.iter().map(|_| account()).collect(),
        parts: parts.iter().map(|part| PlanId::new(*part)).collect(),
        rows: rows
            .iter()
            .map(|row| RowKey::new::<Caldav>(&SeriesKey::new(*row)))
            .collect(),
    }
}

async fn change_set<B: Bench>(bench: &B, joined: &Joined) -> ChangeSet {
    let Joined { id, caldav, google } = joined;
    let changes = bench.store().changes(id, caldav, google, at(100), false);
    changes.await.unwrap()
}

/// Plans what there is to plan, and says which CalDAV series that were.
async fn plan<B: Bench>(bench: &B, joined: &Joined) -> Vec<String> {
    let changes = change_set(bench, joined).await;
    let state = bench.store().mapping_state(&joined.id).await.unwrap();
    let planned = bench.store().planned(&joined.id, changes.upto, state);
    planned.await.unwrap();
    changes.caldav.iter().map(ToString::to_string).collect()
}
