//! Checks of the mirror: what a reading does to it, and what can be asked of it.

use sync_engine::mirror::{CalendarState, MirrorState, Reading, ReadingEnd};
use sync_engine::model::{Caldav, Cursor, Google, ResourceId, SeriesKey, Uid};
use sync_engine::observation::Seen;
use sync_engine::ports::store::{CalendarKey, Store as _};

use super::{answer, change_set, keys, part, plan};
use crate::bench::{Bench, at, foreign, gone, observed, present, tag, unreadable};

pub(super) async fn a_calendar_never_read_is_empty<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let state = store.calendar(&joined.caldav).await.unwrap();
    assert_eq!(state, CalendarState::default());
    assert!(
        store
            .versions(&joined.caldav, None)
            .await
            .unwrap()
            .is_empty()
    );
    let mirrored = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert!(mirrored.is_empty());
    assert!(plan(bench, &joined).await.is_empty());
    assert_eq!(store.tracked(&joined.id).await.unwrap(), 0);
}

pub(super) async fn cursor_and_dates_come_with_the_end_of_a_reading<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let seen = vec![present("a.ics", "a", "A", "1"), unreadable("b.ics", "1")];
    store.record(calendar, part(1, seen)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!((state.cursor, state.read_at), (None, None));

    let end = |seconds, cursor: &str, complete| Reading {
        end: Some(ReadingEnd {
            cursor: Some(Cursor::new(cursor)),
            complete,
        }),
        ..part(seconds, Vec::new())
    };
    store.record(calendar, end(2, "c1", true)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!(state.cursor, Some(Cursor::new("c1")));
    assert_eq!((state.read_at, state.listed_at), (Some(at(2)), Some(at(2))));
    assert_eq!(state.present, 2, "unreadable is present");

    store.record(calendar, end(3, "c2", false)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!(state.cursor, Some(Cursor::new("c2")));
    assert_eq!((state.read_at, state.listed_at), (Some(at(3)), Some(at(2))));

    let seen = Reading {
        seen: vec![gone("a.ics")],
        ..end(4, "c3", false)
    };
    store.record(calendar, seen).await.unwrap();
    assert_eq!(store.calendar(calendar).await.unwrap().present, 1);
}

pub(super) async fn equal_states_change_nothing<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let seen = || {
        vec![
            present("a.ics", "a", "A", "1"),
            unreadable("b.ics", "1"),
            foreign("c.ics", "1"),
        ]
    };
    store.record(&joined.caldav, part(1, seen())).await.unwrap();
    let before = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b.ics"]);
    store.record(&joined.caldav, part(2, seen())).await.unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    let after = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(after[0].since, at(1));
}

pub(super) async fn every_difference_has_its_change_number<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let steps: Vec<Seen<Caldav>> = vec![
        present("a.ics", "a", "A", "1"),
        present("a.ics", "a", "A", "2"),
        present("a.ics", "a", "B", "2"),
        unreadable("a.ics", "3"),
        present("a.ics", "a", "B", "2"),
        gone("a.ics"),
        present("a.ics", "a", "B", "2"),
    ];
    let mut last = 0;
    for (step, seen) in (1..).zip(steps) {
        let reading = part(step, vec![seen]);
        store.record(&joined.caldav, reading).await.unwrap();
        assert_eq!(plan(bench, &joined).await, ["a"], "step {step}");
        let now = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
        assert_eq!(now.len(), 1);
        assert!(now[0].change > last, "step {step}");
        assert_eq!(now[0].since, at(step));
        last = now[0].change;
    }
}

pub(super) async fn only_a_reading_shows<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.google;
    let seen = || vec![present("x", "x", "A", "1")];
    store.record(calendar, answer(1, seen())).await.unwrap();
    let written = &store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0];
    assert!(!written.shown);
    store.record(calendar, part(2, seen())).await.unwrap();
    let shown = &store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0];
    assert!(shown.shown);
    assert_eq!(shown.change, written.change, "being shown is no change");
    // Another write does not take it back.
    let edited = vec![present("x", "x", "B", "2")];
    store.record(calendar, answer(3, edited)).await.unwrap();
    assert!(store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0].shown);
    // Its next life begins unseen.
    let seen = vec![gone("x"), present("x", "x", "C", "3")];
    store.record(calendar, answer(4, seen)).await.unwrap();
    assert!(!store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0].shown);
}

pub(super) async fn a_version_named_again_is_shown<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.google;
    let written = ["x", "y", "z"].map(|name| present(name, name, "A", "1"));
    store
        .record(calendar, answer(1, written.into()))
        .await
        .unwrap();
    let buried = vec![gone("z")];
    store.record(calendar, answer(2, buried)).await.unwrap();
    let all = keys(&["x", "y", "z"]);
    let before = store.mirrored(calendar, &all).await.unwrap();
    let google = change_set(bench, &joined).await.google;
    assert_eq!(google.len(), 3);
    let state = store.mapping_state(&joined.id).await.unwrap();
    let upto = change_set(bench, &joined).await.upto;
    store.planned(&joined.id, upto, state).await.unwrap();
    let names = ["x", "z", "never seen"];
    let listing = Reading {
        same: names.map(ResourceId::new).into(),
        ..part(3, Vec::new())
    };
    for _ in 0..2 {
        store.record(calendar, listing.clone()).await.unwrap();
        let mut after = store.mirrored(calendar, &all).await.unwrap();
        let shown: Vec<bool> = after.iter().map(|entry| entry.shown).collect();
        assert_eq!(shown, [true, false, false], "not what is gone or not named");
        after[0].shown = false;
        assert_eq!(after, before, "nothing else changes");
        assert!(change_set(bench, &joined).await.google.is_empty());
    }
}

pub(super) async fn what_is_gone_stays_known_and_may_return<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    store
        .record(calendar, part(2, vec![gone("a.ics")]))
        .await
        .unwrap();
    let buried = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert_eq!(buried.state, MirrorState::Gone);
    assert!(buried.shown, "an earlier read had shown it");
    assert_eq!(buried.since, at(2));
    assert!(buried.observation.is_some());
    assert!(store.versions(calendar, None).await.unwrap().is_empty());
    // Told again, nothing is new.
    plan(bench, &joined).await;
    store
        .record(calendar, part(3, vec![gone("a.ics")]))
        .await
        .unwrap();
    assert!(plan(bench, &joined).await.is_empty());

    let again = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(4, again)).await.unwrap();
    let back = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].state, MirrorState::Present);
}

pub(super) async fn gone_and_never_seen_is_nothing<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let reading = part(1, vec![gone("a.ics")]);
    store.record(&joined.caldav, reading).await.unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    assert!(
        store
            .versions(&joined.caldav, None)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(super) async fn foreign_things_are_remembered_by_version_only<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    store
        .record(calendar, part(1, vec![foreign("t.ics", "1")]))
        .await
        .unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    let versions = store.versions(calendar, None).await.unwrap();
    assert_eq!(versions.len(), 1);
    store
        .record(calendar, part(2, vec![foreign("t.ics", "2")]))
        .await
        .unwrap();
    let only = [ResourceId::new("t.ics"), ResourceId::new("other")];
    let versions = store.versions(calendar, Some(&only)).await.unwrap();
    let etag = versions[&only[0]].as_ref().map(ToString::to_string);
    assert_eq!((versions.len(), etag.as_deref()), (1, Some("2")));

    // An event that turns into something else is gone for its series, and back.
    let event = vec![present("t.ics", "a", "A", "3")];
    store.record(calendar, part(3, event)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a"]);
    store
        .record(calendar, part(4, vec![foreign("t.ics", "4")]))
        .await
        .unwrap();
    assert_eq!(plan(bench, &joined).await, ["a"]);
    let mirrored = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(mirrored[0].state, MirrorState::Gone);
    assert_eq!(store.versions(calendar, None).await.unwrap().len(), 1);
    let event = vec![present("t.ics", "a", "A", "5")];
    store.record(calendar, part(5, event)).await.unwrap();
    let mirrored = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(mirrored.len(), 1);
    assert_eq!(mirrored[0].state, MirrorState::Present);
    store
        .record(calendar, part(6, vec![gone("t.ics")]))
        .await
        .unwrap();
    assert!(store.versions(calendar, None).await.unwrap().is_empty());
}

pub(super) async fn unreadable_is_present_and_keeps_what_it_showed<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    let broken = vec![unreadable("a.ics", "2")];
    store.record(calendar, part(2, broken)).await.unwrap();
    let entry = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert_eq!(
        entry.state,
        MirrorState::Unreadable("no iCalendar".to_owned())
    );
    assert_eq!(entry.observation, Some(observed("a.ics", "a", "A", "1")));
    let versions = store.versions(calendar, None).await.unwrap();
    let version = versions[&ResourceId::new("a.ics")].as_ref();
    assert_eq!(version.map(ToString::to_string).as_deref(), Some("2"));
    let by_uid = store
        .series_by_uid(calendar, &[Uid::new("a@example.com")])
        .await
        .unwrap();
    assert_eq!(by_uid.len(), 1, "it is there: no second one");

    // Where an event was deleted, something unreadable may be it again.
    let seen = vec![gone("a.ics"), unreadable("a.ics", "3")];
    store.record(calendar, part(3, seen)).await.unwrap();
    let entry = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert!(matches!(entry.state, MirrorState::Unreadable(_)));

    // Never understood: a series of its own until it is.
    let broken = vec![unreadable("b.ics", "1")];
    store.record(calendar, part(4, broken)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b.ics"]);
    let mended = vec![present("b.ics", "b", "B", "2")];
    store.record(calendar, part(5, mended)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["b", "b.ics"]);
}

pub(super) async fn a_resource_that_changes_its_series_changes_both<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    plan(bench, &joined).await;
    let other = vec![present("a.ics", "b", "B", "2")];
    store.record(calendar, part(2, other)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b"]);
    let mirrored = store.mirrored(calendar, &keys(&["a", "b"])).await.unwrap();
    let states: Vec<_> = mirrored.iter().map(|entry| entry.state.clone()).collect();
    assert_eq!(states, [MirrorState::Gone, MirrorState::Present]);
    assert_eq!(store.versions(calendar, None).await.unwrap().len(), 1);
    // A move: gone from one href, present at another.
    let moved = vec![present("c.ics", "b", "B", "2"), gone("a.ics")];
    store.record(calendar, part(3, moved)).await.unwrap();
    let mirrored = store.mirrored(calendar, &keys(&["b"])).await.unwrap();
    let there = mirrored
        .iter()
        .filter(|entry| entry.state == MirrorState::Present);
    assert_eq!((mirrored.len(), there.count()), (2, 1));
}

pub(super) async fn series_are_found_by_uid_and_by_origin<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.google;
    let mut copy = observed("x", "x", "A", "1");
    copy.tag = Some(tag(&joined, "source@example.com"));
    let seen = vec![Seen::Present(Box::new(copy)), present("y", "y", "B", "1")];
    store.record(calendar, part(1, seen)).await.unwrap();
    let uids = [Uid::new("x@example.com"), Uid::new("none@example.com")];
    let found = store.series_by_uid(calendar, &uids).await.unwrap();
    assert_eq!(found, [(uids[0].clone(), SeriesKey::new("x"))]);
    let hash = tag(&joined, "source@example.com").uid_hash;
    let hashes = [hash.clone(), "none".to_owned()];
    let found = store.series_by_origin(calendar, &hashes).await.unwrap();
    assert_eq!(found, [(hash.clone(), SeriesKey::new("x"))]);
    store
        .record(calendar, part(2, vec![gone("x")]))
        .await
        .unwrap();
    let found = store.series_by_uid(calendar, &uids).await.unwrap();
    assert!(found.is_empty(), "gone things carry no UID");
    let found = store.series_by_origin(calendar, &hashes).await.unwrap();
    assert_eq!(found.len(), 1, "but their ids are used up");
}

pub(super) async fn calendars_of_one_name_on_two_sides_are_two<B: Bench>(bench: &B) {
    let joined = bench.join("same", "same").await;
    let store = bench.store();
    let seen = vec![present("a", "a", "A", "1")];
    store.record(&joined.caldav, part(1, seen)).await.unwrap();
    let google = CalendarKey::<Google> {
        account: joined.caldav.account.clone(),
        calendar: joined.google.calendar.clone(),
    };
    assert!(store.versions(&google, None).await.unwrap().is_empty());
}

pub(super) async fn what_a_listing_left_out_is_remembered<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let names = ["told", "missed", "moved", "back", "late"];
    let all = names.map(|name| present(name, name, "A", "1"));
    store.record(calendar, part(1, all.into())).await.unwrap();
    let missed = |seconds, name: &str| Reading {
        unlisted: [ResourceId::new(name)].into(),
        ..part(seconds, vec![gone(name)])
    };
    store
        .record(calendar, part(2, vec![gone("told")]))
        .await
        .unwrap();
    for name in ["missed", "moved", "back", "never"] {
        store.record(calendar, missed(3, name)).await.unwrap();
    }
    let here = vec![
        present("elsewhere", "moved", "A", "2"),
        present("back", "back", "A", "2"),
    ];
    store.record(calendar, part(4, here)).await.unwrap();
    store.record(calendar, missed(5, "late")).await.unwrap();
    // Said again, it is as old as it was.
    store.record(calendar, missed(6, "missed")).await.unwrap();
    let absent = |after| store.absent(calendar, at(after));
    let id = ResourceId::new;
    let both = [(id("late"), at(5)), (id("missed"), at(3))];
    assert_eq!(absent(0).await.unwrap(), both);
    assert_eq!(absent(2).await.unwrap(), both);
    assert_eq!(absent(3).await.unwrap(), both[..1]);
    assert!(
        store
            .absent(&joined.google, at(0))
            .await
            .unwrap()
            .is_empty()
    );
}
