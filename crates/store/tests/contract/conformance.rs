//! What the engine may rely on, checked over any store: each check takes a fresh [`Bench`].

mod by_model;
mod mapping;
mod mirror;

use sync_engine::mirror::Reading;
use sync_engine::model::{
    Both, Caldav, ComponentKey, IntentId, ResourceId, RunId, Series, SeriesKey, Side, SideTag, Uid,
};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::{Account, ActionKind, After, Operation, Reason, Step, Write};
use sync_engine::ports::side::{Remove, Resource};
use sync_engine::ports::store::{ChangeSet, Intent, Store as _};
use sync_engine::row::{Link, Row, RowKey, RowState};

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
            mapping::the_state_between_runs_is_kept
            mirror::calendars_of_one_name_on_two_sides_are_two
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
            mapping::claims_are_other_mappings_links
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
        echo: Series::default(),
        shown: true,
        missing_since: None,
        expanded: false,
    })
}

pub(crate) fn row(name: &str, caldav: &[&str], google: &[&str]) -> Row {
    Row {
        key: RowKey::new::<Caldav>(&SeriesKey::new(name)),
        uid: Uid::new(format!("{name}@example.com")),
        copy: Some(Side::Google),
        generation: 0,
        links: Both {
            caldav: link(caldav),
            google: link(google),
        },
        state: RowState::Active,
        setbacks: Vec::new(),
        due: None,
    }
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
        after: After::Dropped,
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
