//! The mirror against the simplest model of it: per resource what it shows now, and the set of
//! series that a mark has to bring up.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sync_engine::mirror::MirrorState;
use sync_engine::model::{Caldav, SeriesKey};
use sync_engine::observation::Seen;
use sync_engine::ports::store::Store as _;

use super::{part, plan};
use crate::bench::{Bench as _, Joined, Sqlite, foreign, gone, present, unreadable};

#[derive(Debug, Clone)]
enum Act {
    Present(u8, u8, u8),
    Unreadable(u8, u8),
    Foreign(u8, u8),
    Gone(u8),
    Plan,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let small = 0u8..3;
    let act = prop_oneof![
        6 => (small.clone(), small.clone(), small.clone())
            .prop_map(|(r, s, v)| Act::Present(r, s, v)),
        1 => (small.clone(), small.clone()).prop_map(|(r, v)| Act::Unreadable(r, v)),
        1 => (small.clone(), small.clone()).prop_map(|(r, v)| Act::Foreign(r, v)),
        2 => small.prop_map(Act::Gone),
        2 => Just(Act::Plan),
    ];
    proptest::collection::vec(act, 1..25)
}

#[derive(Default)]
struct Model {
    /// What each resource shows: its series, and a word for the rest.
    there: BTreeMap<u8, (Option<String>, String)>,
    /// The series each resource had when it last left one.
    went: BTreeMap<u8, String>,
    dirty: BTreeSet<String>,
}

impl Model {
    fn show(&mut self, resource: u8, series: Option<String>, word: String) {
        let now = (series, word);
        let old = self.there.insert(resource, now.clone());
        if old.as_ref() != Some(&now) {
            let series = now.0;
            self.dirty.extend(series.clone());
            let old = old.and_then(|(series, _)| series);
            if old != series {
                self.leave(resource, old);
            }
        }
    }

    fn leave(&mut self, resource: u8, series: Option<String>) {
        if let Some(series) = series {
            self.dirty.insert(series.clone());
            self.went.insert(resource, series);
        }
    }

    fn act(&mut self, act: &Act) -> Option<Seen<Caldav>> {
        let name = |resource: u8| format!("r{resource}");
        match *act {
            Act::Present(r, s, v) => {
                let (series, version) = (format!("s{s}"), v.to_string());
                self.show(r, Some(series.clone()), format!("present {v}"));
                Some(present(&name(r), &series, &version, &version))
            }
            Act::Unreadable(r, v) => {
                let there = self.there.get(&r).and_then(|(series, _)| series.clone());
                let series = there
                    .or_else(|| self.went.get(&r).cloned())
                    .unwrap_or_else(|| name(r));
                self.show(r, Some(series), format!("unreadable {v}"));
                Some(unreadable(&name(r), &v.to_string()))
            }
            Act::Foreign(r, v) => {
                self.show(r, None, format!("foreign {v}"));
                Some(foreign(&name(r), &v.to_string()))
            }
            Act::Gone(r) => {
                if let Some((series, _)) = self.there.remove(&r) {
                    self.leave(r, series);
                }
                Some(gone(&name(r)))
            }
            Act::Plan => None,
        }
    }
}

async fn check(bench: &Sqlite, joined: &Joined, acts: &[Act]) {
    let store = &bench.db;
    let mut model = Model::default();
    for act in acts.iter().chain([&Act::Plan]) {
        if let Some(seen) = model.act(act) {
            let reading = part(1, vec![seen]);
            store.record(&joined.caldav, reading).await.unwrap();
            continue;
        }
        let expected: Vec<String> = model.dirty.iter().cloned().collect();
        assert_eq!(plan(bench, joined).await, expected, "{acts:?}");
        model.dirty.clear();
        let versions = store.versions(&joined.caldav, None).await.unwrap();
        assert_eq!(versions.len(), model.there.len(), "{acts:?}");
        let names = ["s0", "s1", "s2", "r0", "r1", "r2"];
        let series: Vec<_> = names.map(SeriesKey::new).into();
        let mirrored = store.mirrored(&joined.caldav, &series).await.unwrap();
        let there: BTreeSet<String> = mirrored
            .iter()
            .filter(|entry| entry.state != MirrorState::Gone)
            .map(|entry| entry.series.to_string())
            .collect();
        let expected: BTreeSet<String> = model
            .there
            .values()
            .filter_map(|(series, _)| series.clone())
            .collect();
        assert_eq!(there, expected, "{acts:?}");
    }
}

#[test]
fn the_mirror_says_exactly_what_a_simple_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let bench = Sqlite::new();
    let mut case = 0;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let case = std::cell::RefCell::new(&mut case);
    runner
        .run(&acts(), |acts| {
            let number = {
                let mut case = case.borrow_mut();
                **case += 1;
                **case
            };
            runtime.block_on(async {
                let joined = bench.join(&format!("c{number}"), "g").await;
                check(&bench, &joined, &acts).await;
            });
            Ok(())
        })
        .unwrap();
}
