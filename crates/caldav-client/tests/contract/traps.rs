//! The traps of real servers, each with a test of its name. (The one about Digest falling back to
//! Basic has another half among the unit tests.)
//!
//! | trap | test |
//! | --- | --- |
//! | 1. `nresults` may truncate silently | `trap_01_no_limit_is_sent_that_could_cut_silently` |
//! | 2. servers that accept any sync token | `trap_02_any_token_is_accepted_and_deletions_still_show_in_time` |
//! | 3. no create guard, no delete guard | `trap_03_no_guards_and_still_nothing_is_lost` |
//! | 4. an ETag after PUT proves no bytes | `trap_04_an_etag_after_put_does_not_prove_the_bytes` |
//! | 5. what vanishes after our PUT | `trap_05_what_vanishes_after_our_put_is_no_deletion` |
//! | 6. a first PROPFIND answered without credentials; Digest | `trap_06_who_waits_for_a_401_never_signs_in` |
//! | 7. rewritten ATTENDEE and ORGANIZER | `trap_07_schedule_status_is_not_corrected_back` |
//! | 8. the collection in its own sync report | `trap_08_the_collection_itself_is_no_event` |
//! | 9. one cause, many codes | `trap_09_one_cause_has_many_codes` |
//! | 10. cut and chunked uploads | `trap_10_bodies_have_a_length_and_are_verified` |
//! | 11. spellings of hrefs | `trap_11_one_resource_has_many_spellings` |
//! | 12. what multiget omits | `trap_12_multiget_answers_what_it_likes` |
//! | 13. unreliable time ranges | `trap_13_no_time_range_is_ever_asked_for` |
//!
//! The rows of what was measured and collected are in `rows`.

use caldav_client::SignIn;
use simulators::caldav::{
    AuthScheme, CaldavSim, CaldavSimConfig, CollectionItself, Fault, FaultAction, HrefEscape,
    MissingHref, Nresults, Quirks, Rewrite, TimeRange, TokenAnswer,
};
use sync_engine::model::SeriesKey;
use sync_engine::observation::Seen;
use sync_engine::ports::{SidePort as _, Written};

use crate::common::{
    account, create, cursor, done, event, everything, fetched, ics, kind, lines, names, observed,
    opened, removal, reopened, retitle, said, series, sim, sim_with, stale, title, work,
};

fn fill(sim: &CaldavSim, count: usize) {
    for at in 0..count {
        sim.put(
            "alice",
            "work",
            &format!("e{at}.ics"),
            &ics(&format!("e{at}"), "Event"),
        );
    }
}

#[tokio::test]
async fn trap_01_no_limit_is_sent_that_could_cut_silently() {
    let sim = sim(|quirks| {
        quirks.nresults = Nresults::TruncatesSilently;
        quirks.no_sync_token_property = true;
    });
    fill(&sim, 6);
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    assert_eq!(listing.items.len(), 6);
    let cursor = listing.cursor.unwrap();
    fill(&sim, 3);
    sim.put("alice", "work", "e1.ics", &ics("e1", "Changed"));
    calendar.list(Some(&cursor)).await.unwrap();
    for request in sim.log() {
        assert!(!request.body.contains("limit") && !request.body.contains("nresults"));
    }
}

#[tokio::test]
async fn trap_02_any_token_is_accepted_and_deletions_still_show_in_time() {
    for answer in [
        TokenAnswer::FullList,
        TokenAnswer::FullListWithTombstones,
        TokenAnswer::EmptyList,
    ] {
        for count in [3, 8] {
            let sim = sim(|quirks| quirks.bogus_token = answer);
            fill(&sim, count);
            let (account, calendar) = opened(&sim).await;
            let before = cursor(&calendar).await;
            sim.delete("alice", "work", "e0.ics");
            sim.expire_tokens("alice", "work");
            let listing = calendar.list(Some(&before)).await.unwrap();
            // A list that leaves something out is never taken for complete.
            assert!(!listing.complete || names(&listing).len() == count - 1);
            let tomorrow = reopened(&account, 25).await;
            let listing = tomorrow.list(listing.cursor.as_ref()).await.unwrap();
            assert!(listing.complete);
            assert_eq!(names(&listing).len(), count - 1);
        }
    }
}

#[tokio::test]
async fn trap_03_no_guards_and_still_nothing_is_lost() {
    let sim = sim_with(Quirks::like_sogo());
    let (account, calendar) = opened(&sim).await;
    let wanted = create("s", "Tea");
    // Created, the answer lost: what stands there is looked at before anything is sent again.
    sim.add_fault(Fault::on("PUT", FaultAction::Reset).after());
    assert!(matches!(
        calendar.create(&wanted).await.unwrap(),
        Written::Taken { .. }
    ));
    assert_eq!(sim.counts()["PUT"], 1);

    // It overwrites whatever `If-None-Match: *` says; once seen, it is looked at first.
    let copy = wanted.tag.caldav_name();
    calendar.create(&wanted).await.unwrap();
    assert!(account.profile().ignores_if_none_match);
    let edited = sim
        .get("alice", "work", &copy)
        .unwrap()
        .ics
        .replace("Tea", "Theirs");
    sim.put("alice", "work", &copy, &edited);
    sim.clear_log();
    let Written::Taken { now, .. } = calendar.create(&wanted).await.unwrap() else {
        panic!("somebody's edit was overwritten");
    };
    assert!(matches!(*now, Seen::Present(now) if title(&now) == "Theirs"));
    assert_eq!(sim.writes(), 0);

    // It deletes whatever `If-Match` says: the version is looked at before.
    let old = observed(&calendar, &copy).await;
    sim.put(
        "alice",
        "work",
        &copy,
        &edited.replace("Theirs", "Theirs again"),
    );
    sim.clear_log();
    assert_eq!(
        kind(&stale(calendar.remove(&removal(&old)).await.unwrap())),
        "present"
    );
    assert_eq!(
        kind(&stale(
            calendar.update(&retitle(&old, "Ours")).await.unwrap()
        )),
        "present"
    );
    assert_eq!(sim.writes(), 0);
    let seen = observed(&calendar, &copy).await;
    assert_eq!(title(&seen), "Theirs again");
}

#[tokio::test]
async fn trap_04_an_etag_after_put_does_not_prove_the_bytes() {
    let sim = sim(|quirks| {
        quirks.rewrites = vec![
            Rewrite::Reorder,
            Rewrite::Prodid,
            Rewrite::Lossy,
            Rewrite::LineEndings,
        ];
    });
    let (_, calendar) = opened(&sim).await;
    let wanted = create("s", "Tea");
    // The echo is what the server shows, read, and not what was sent.
    let made = done(calendar.create(&wanted).await.unwrap());
    assert_eq!(said(&made), &series("Tea"));
    let again = observed(&calendar, &wanted.tag.caldav_name()).await;
    assert_eq!(again.etag, made.etag);
    assert_eq!(again.content, made.content);
}

#[tokio::test]
async fn trap_05_what_vanishes_after_our_put_is_no_deletion() {
    let sim = sim(|quirks| quirks.swallows_puts = true);
    let (_, calendar) = opened(&sim).await;
    let written = calendar.create(&create("s", "Tea")).await.unwrap();
    assert!(
        matches!(written, Written::Unproven { now: None, .. }),
        "{written:?}"
    );
}

#[tokio::test]
async fn trap_06_who_waits_for_a_401_never_signs_in() {
    for (auth, sign_in) in [
        (AuthScheme::Basic, SignIn::Basic),
        (AuthScheme::Digest, SignIn::Digest),
        (AuthScheme::Both, SignIn::Basic),
    ] {
        for unauthenticated in [true, false] {
            let sim = CaldavSim::start(CaldavSimConfig {
                auth,
                quirks: Quirks {
                    unauthenticated_propfind_207: unauthenticated,
                    ..Quirks::default()
                },
                ..CaldavSimConfig::default()
            })
            .unwrap();
            let account = account(sim.url());
            let found = account.discover().await.unwrap();
            assert_eq!(found.calendars.len(), 1, "{auth:?} {unauthenticated}");
            assert_eq!(found.profile.sign_in, sign_in, "{auth:?} {unauthenticated}");
        }
    }
    // Digest is offered and never works.
    let sim = CaldavSim::start(CaldavSimConfig {
        auth: AuthScheme::Both,
        quirks: Quirks {
            digest_always_refused: true,
            ..Quirks::default()
        },
        ..CaldavSimConfig::default()
    })
    .unwrap();
    assert_eq!(
        account(sim.url()).discover().await.unwrap().calendars.len(),
        1
    );
    // A nonce that is soon used up is replaced without ado.
    let sim = CaldavSim::start(CaldavSimConfig {
        auth: AuthScheme::Digest,
        quirks: Quirks {
            digest_nonce_uses: Some(2),
            ..Quirks::default()
        },
        ..CaldavSimConfig::default()
    })
    .unwrap();
    fill(&sim, 6);
    let account = account(sim.url());
    let facts = work(&account).await;
    let calendar = account.open(&facts, crate::common::now()).unwrap();
    assert_eq!(everything(&calendar).await.len(), 6);
}

#[tokio::test]
async fn trap_07_schedule_status_is_not_corrected_back() {
    let sim = sim(|quirks| quirks.rewrites = vec![Rewrite::ScheduleStatus]);
    let lines = "SUMMARY:Party\r\nORGANIZER:mailto:bob@example.org\r\nATTENDEE:mailto:carol@example.org\r\n";
    sim.put("alice", "work", "a.ics", &event("a", lines));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    let after = done(calendar.update(&retitle(&before, "Feast")).await.unwrap());
    assert!(
        sim.get("alice", "work", "a.ics")
            .unwrap()
            .ics
            .contains("SCHEDULE-STATUS")
    );
    let mut expected = said(&before).clone();
    expected.master.as_mut().unwrap().title = "Feast".into();
    assert_eq!(said(&after), &expected, "its lines are no change");
    // And a further edit carries what the server wrote.
    done(calendar.update(&retitle(&after, "Ball")).await.unwrap());
    assert!(
        sim.get("alice", "work", "a.ics")
            .unwrap()
            .ics
            .contains("SCHEDULE-STATUS")
    );
}

#[tokio::test]
async fn trap_08_the_collection_itself_is_no_event() {
    for itself in [CollectionItself::WithSlash, CollectionItself::WithoutSlash] {
        let sim = sim(|quirks| quirks.sync_lists_collection = itself);
        fill(&sim, 1);
        let (_, calendar) = opened(&sim).await;
        let before = cursor(&calendar).await;
        sim.put("alice", "work", "b.ics", &ics("b", "B"));
        let listing = calendar.list(Some(&before)).await.unwrap();
        assert_eq!(names(&listing), ["b.ics"]);
    }
}

#[tokio::test]
async fn trap_09_one_cause_has_many_codes() {
    // A UID that exists elsewhere in the calendar: our copy, moved by a person.
    for status in [400, 403, 409, 412] {
        let sim = sim(|quirks| quirks.duplicate_uid_status = Some(status));
        let (_, calendar) = opened(&sim).await;
        let wanted = create("s", "Tea");
        done(calendar.create(&wanted).await.unwrap());
        assert!(sim.rename("alice", "work", &wanted.tag.caldav_name(), "moved.ics"));
        match calendar.create(&wanted).await.unwrap() {
            Written::Taken { now, used_up } => {
                assert!(
                    used_up || matches!(*now, Seen::Present(_)),
                    "{status}: {now:?}"
                );
            }
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(sim.objects("alice", "work").len(), 1, "{status}");
    }
    // A UID in a trash bin: the next generation is needed.
    let bin = sim(|quirks| quirks.uid_trash = true);
    let (_, calendar) = opened(&bin).await;
    let wanted = create("s", "Tea");
    let made = done(calendar.create(&wanted).await.unwrap());
    assert_eq!(
        calendar.remove(&removal(&made)).await.unwrap(),
        Written::Removed
    );
    match calendar.create(&wanted).await.unwrap() {
        Written::Taken { used_up: true, now } => assert_eq!(kind(&now), "gone"),
        other => panic!("{other:?}"),
    }
    // The second DELETE.
    for status in [200, 204, 404, 410] {
        let sim = sim(|quirks| quirks.delete_missing_status = status);
        fill(&sim, 1);
        let (_, calendar) = opened(&sim).await;
        let seen = observed(&calendar, "e0.ics").await;
        sim.delete("alice", "work", "e0.ics");
        assert_eq!(
            calendar.remove(&removal(&seen)).await.unwrap(),
            Written::Removed
        );
    }
    // A refused sync token.
    for status in [400, 403, 409, 412, 415, 501, 507] {
        for bare in [false, true] {
            let sim = sim(|quirks| {
                quirks.bogus_token = TokenAnswer::Status(status);
                quirks.token_refusal_without_condition = bare;
            });
            fill(&sim, 3);
            let (_, calendar) = opened(&sim).await;
            let before = cursor(&calendar).await;
            sim.delete("alice", "work", "e0.ics");
            sim.expire_tokens("alice", "work");
            let listing = calendar.list(Some(&before)).await.unwrap();
            assert!(listing.complete, "{status}");
            assert_eq!(names(&listing), ["e1.ics", "e2.ics"], "{status}");
            // The new token is good.
            let next = calendar.list(listing.cursor.as_ref()).await.unwrap();
            assert!(!next.complete && next.items.is_empty(), "{status}");
        }
    }
}

#[tokio::test]
async fn trap_10_bodies_have_a_length_and_are_verified() {
    let sim = sim(|quirks| quirks.refuses_chunked = true);
    let (_, calendar) = opened(&sim).await;
    let made = done(calendar.create(&create("s", "Tea")).await.unwrap());
    done(calendar.update(&retitle(&made, "Coffee")).await.unwrap());
    // An upload that arrives cut and is accepted all the same shows when it is read back.
    let wanted = create("t", "Cut");
    let cut = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:cut\r\n";
    sim.add_fault(Fault::on("PUT", FaultAction::Delay { millis: 300 }).after());
    let write = calendar.create(&wanted);
    sim.clear_log();
    let spoil = async {
        loop {
            if sim.counts().contains_key("PUT") {
                sim.put("alice", "work", &wanted.tag.caldav_name(), cut);
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let (written, ()) = tokio::join!(write, spoil);
    assert!(matches!(
        written.unwrap(),
        Written::Unproven { now: None, .. }
    ));
}

#[tokio::test]
async fn trap_11_one_resource_has_many_spellings() {
    let odd = [
        "a@b.ics",
        "sp ace.ics",
        "{ABC}.ics",
        "ümlaut.ics",
        "a%25b.ics",
        "x&y's.ics",
        "a+b.ics",
    ];
    let mut expected: Option<Vec<String>> = None;
    for escape in [
        HrefEscape::Minimal,
        HrefEscape::EscapeAt,
        HrefEscape::LowerCase,
    ] {
        for absolute in [false, true] {
            let sim = sim(|quirks| {
                quirks.href_escape = escape;
                quirks.absolute_hrefs = absolute;
                quirks.lists_escaped_names_twice = absolute;
            });
            for name in odd {
                sim.put("alice", "work", name, &ics(name, "Odd"));
            }
            let (_, calendar) = opened(&sim).await;
            let listing = calendar.list(None).await.unwrap();
            let found = names(&listing);
            assert_eq!(found.len(), odd.len(), "{found:?}");
            assert_eq!(
                expected.get_or_insert_with(|| found.clone()),
                &found,
                "one name each"
            );
            let seen = fetched(&calendar, &listing).await;
            assert!(
                seen.values().all(|seen| kind(seen) == "present"),
                "{seen:?}"
            );
            for seen in seen.into_values() {
                let Seen::Present(seen) = seen else { continue };
                let after = done(calendar.update(&retitle(&seen, "New")).await.unwrap());
                assert_eq!(
                    calendar.remove(&removal(&after)).await.unwrap(),
                    Written::Removed
                );
            }
            assert!(sim.objects("alice", "work").is_empty());
        }
    }
    let name = create("source@example.com", "Tea").tag.caldav_name();
    assert!(
        name.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
    );
}

#[tokio::test]
async fn trap_12_multiget_answers_what_it_likes() {
    for change in [
        (|q: &mut Quirks| q.multiget_missing = MissingHref::Omitted) as fn(&mut Quirks),
        |q| q.multiget_missing = MissingHref::FailsWhole,
        |q| q.multiget_missing = MissingHref::NotFound,
        |q| q.multiget_cap = Some(2),
        |q| q.multiget_empty_hrefs = true,
        |q| q.status_beside_propstat = true,
    ] {
        let sim = sim(change);
        fill(&sim, 7);
        let (_, calendar) = opened(&sim).await;
        let listing = calendar.list(None).await.unwrap();
        sim.delete("alice", "work", "e3.ics");
        let seen = fetched(&calendar, &listing).await;
        for (name, seen) in &seen {
            let expected = if name == "e3.ics" { "gone" } else { "present" };
            assert_eq!(kind(seen), expected, "{name} {:?}", sim.quirks());
        }
    }
}

#[tokio::test]
async fn trap_13_no_time_range_is_ever_asked_for() {
    let sim = sim(|quirks| quirks.time_range = TimeRange::MissesRecurring);
    let recurring = "SUMMARY:Weekly\r\nRRULE:FREQ=WEEKLY\r\n";
    sim.put("alice", "work", "weekly.ics", &event("weekly", recurring));
    let (_, calendar) = opened(&sim).await;
    let before = cursor(&calendar).await;
    let seen = observed(&calendar, "weekly.ics").await;
    assert_eq!(seen.series, SeriesKey::new("weekly"));
    calendar.list(Some(&before)).await.unwrap();
    for request in sim.log() {
        assert!(!request.body.contains("time-range") && !request.body.contains("calendar-query"));
    }
    assert_eq!(lines(&calendar.list(None).await.unwrap()).len(), 1);
}
