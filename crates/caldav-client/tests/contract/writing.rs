//! Creating, changing, removing: conditions, echoes, lost answers.

use simulators::caldav::{Fault, FaultAction};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::Write;
use sync_engine::ports::{ErrorClass, SidePort as _, Written};

use crate::common::{
    account, create, cursor, done, event, ics, kind, last, lines, now, observed, opened, removal,
    retitle, said, series, sim, stale, title, work,
};

#[tokio::test]
async fn a_copy_is_created_under_its_own_name_and_is_its_own_echo() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    let before = cursor(&calendar).await;
    let wanted = create("source@example.com", "Tea");
    sim.clear_log();
    let made = done(calendar.create(&wanted).await.unwrap());
    assert_eq!(sim.counts()["PUT"], 1);
    assert_eq!(sim.log()[0].condition.as_deref(), Some("If-None-Match: *"));
    assert_eq!(last(&made.resource), wanted.tag.caldav_name());
    assert_eq!(
        made.resource,
        calendar.resource_of(&Write::Create(Box::new(wanted.clone())))
    );
    assert_eq!(said(&made), &series("Tea"));
    assert!(made.tag.as_ref().unwrap().proves_caldav(&made.uid));
    // The next listing shows the very same version: nothing is fetched again for our own echo.
    let listing = calendar.list(Some(&before)).await.unwrap();
    assert_eq!(
        lines(&listing)[&wanted.tag.caldav_name()],
        made.etag.unwrap().as_str()
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_read_and_left_alone() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    let wanted = create("source@example.com", "Tea");
    done(calendar.create(&wanted).await.unwrap());
    let Written::Taken { now, used_up } = calendar.create(&wanted).await.unwrap() else {
        panic!("created twice");
    };
    assert!(!used_up);
    assert_eq!(kind(&now), "present");
    assert_eq!(sim.objects("alice", "work").len(), 1);
}

#[tokio::test]
async fn a_change_touches_nothing_but_what_it_changes() {
    let sim = sim(|_| {});
    let lines =
        "SUMMARY:Old\r\nX-CUSTOM;X-P=\"a:b\":kept\r\nATTENDEE;CN=Bob:mailto:bob@example.org\r\n";
    sim.put("alice", "work", "a.ics", &event("a", lines));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    sim.clear_log();
    let after = done(calendar.update(&retitle(&before, "New")).await.unwrap());
    assert_eq!((title(&after), sim.counts()["PUT"]), ("New", 1));
    let stored = sim.get("alice", "work", "a.ics").unwrap().ics;
    for line in [
        "SUMMARY:New",
        "X-CUSTOM;X-P=\"a:b\":kept",
        "ATTENDEE;CN=Bob:mailto:bob@example.org",
    ] {
        assert!(stored.contains(line), "{line} in {stored}");
    }
}

#[tokio::test]
async fn a_change_of_another_version_is_stale_and_writes_nothing() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Old"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    sim.put("alice", "work", "a.ics", &ics("a", "Theirs"));
    sim.clear_log();
    let Seen::Present(now) = stale(calendar.update(&retitle(&before, "Ours")).await.unwrap())
    else {
        panic!("it is there");
    };
    assert_eq!((title(&now), sim.writes()), ("Theirs", 0));
    sim.delete("alice", "work", "a.ics");
    let now = stale(calendar.update(&retitle(&before, "Ours")).await.unwrap());
    assert_eq!((kind(&now), sim.writes()), ("gone", 0));
}

#[tokio::test]
async fn a_change_that_is_there_already_is_no_write() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Same"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    sim.clear_log();
    done(calendar.update(&retitle(&before, "Same")).await.unwrap());
    assert_eq!(sim.writes(), 0);
}

#[tokio::test]
async fn a_removal_is_of_one_version() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Old"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    sim.put("alice", "work", "a.ics", &ics("a", "Theirs"));
    sim.clear_log();
    let now = stale(calendar.remove(&removal(&before)).await.unwrap());
    assert_eq!((kind(&now), sim.writes()), ("present", 0));
    let current = observed(&calendar, "a.ics").await;
    assert_eq!(
        calendar.remove(&removal(&current)).await.unwrap(),
        Written::Removed
    );
    assert!(sim.objects("alice", "work").is_empty());
    // Gone already counts as removed.
    assert_eq!(
        calendar.remove(&removal(&current)).await.unwrap(),
        Written::Removed
    );
}

#[tokio::test]
async fn versions_without_strong_etags_are_compared_by_reading() {
    for (no_etags, weak_etags) in [(true, false), (false, true)] {
        let sim = sim(|quirks| {
            quirks.no_etags = no_etags;
            quirks.weak_etags = weak_etags;
        });
        sim.put("alice", "work", "a.ics", &ics("a", "Old"));
        let (_, calendar) = opened(&sim).await;
        let before = observed(&calendar, "a.ics").await;
        let Written::Unproven {
            now: Some(after), ..
        } = calendar.update(&retitle(&before, "Ours")).await.unwrap()
        else {
            panic!("without a strong ETag nothing is proven");
        };
        assert_eq!(title(&after), "Ours");
        assert_eq!(
            kind(&stale(
                calendar.update(&retitle(&before, "Late")).await.unwrap()
            )),
            "present"
        );
        assert_eq!(
            kind(&stale(calendar.remove(&removal(&before)).await.unwrap())),
            "present"
        );
        assert_eq!(
            calendar.remove(&removal(&after)).await.unwrap(),
            Written::Removed
        );
        assert!(sim.log().iter().all(|request| {
            !request
                .condition
                .as_deref()
                .unwrap_or_default()
                .starts_with("If-Match")
        }));
    }
}

#[tokio::test]
async fn an_etag_that_only_get_shows_does_not_count() {
    let sim = sim(|quirks| quirks.no_keep_alive = true);
    let old = ics("a", "Old");
    sim.put("alice", "work", "a.ics", &old);
    sim.put("alice", "work", "b.ics", &ics("b", "Other"));
    let between = crate::sites::meddler(sim.url(), &old).await;
    let account = account(&format!("http://{between}/dav/"));
    let calendar = account.open(&work(&account).await, now()).unwrap();
    let before = observed(&calendar, "a.ics").await;
    let after = done(calendar.update(&retitle(&before, "New")).await.unwrap());
    assert!(account.profile().get_without_etag);
    assert_eq!((title(&after), sim.counts()["PUT"]), ("New", 1));
    let now = stale(calendar.update(&retitle(&before, "Late")).await.unwrap());
    assert!(matches!(now, Seen::Present(now) if title(&now) == "New"));
    assert_eq!(
        calendar.remove(&removal(&after)).await.unwrap(),
        Written::Removed
    );
}

#[tokio::test]
async fn a_get_without_etag_is_asked_again_by_multiget() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "A"));
    let (account, calendar) = opened(&sim).await;
    let listed = lines(&calendar.list(None).await.unwrap());
    sim.add_fault(Fault::on(
        "GET",
        FaultAction::Status {
            code: 200,
            retry_after: None,
            body: ics("a", "From somewhere else"),
        },
    ));
    let seen = observed(&calendar, "a.ics").await;
    assert_eq!(
        (title(&seen), seen.etag.as_ref().unwrap().as_str()),
        ("A", &*listed["a.ics"])
    );
    assert!(account.profile().get_without_etag);
}

#[tokio::test]
async fn an_etag_missing_after_put_proves_nothing() {
    let sim = sim(|quirks| quirks.no_etag_on_put = true);
    let (_, calendar) = opened(&sim).await;
    let written = calendar.create(&create("s", "Tea")).await.unwrap();
    assert!(
        matches!(written, Written::Unproven { now: Some(_), .. }),
        "{written:?}"
    );
}

#[tokio::test]
async fn an_edit_between_write_and_read_back_is_heard() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Old"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    // The write's answer is held up; meanwhile somebody edits.
    sim.add_fault(Fault::on("PUT", FaultAction::Delay { millis: 300 }).after());
    let update = retitle(&before, "Ours");
    let write = calendar.update(&update);
    let edit = async {
        loop {
            if sim.counts().contains_key("PUT") {
                sim.put("alice", "work", "a.ics", &ics("a", "Theirs"));
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let (written, ()) = tokio::join!(write, edit);
    match written.unwrap() {
        Written::Unproven { now: Some(now), .. } => assert_eq!(title(&now), "Theirs"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_into_and_nothing_is_written_twice() {
    for action in [
        FaultAction::Reset,
        FaultAction::status(502),
        FaultAction::status(500),
    ] {
        let sim = sim(|_| {});
        sim.put("alice", "work", "a.ics", &ics("a", "Old"));
        let (_, calendar) = opened(&sim).await;

        sim.add_fault(Fault::on("PUT", action.clone()).after());
        let wanted = create("s", "Tea");
        match calendar.create(&wanted).await.unwrap() {
            Written::Taken {
                now,
                used_up: false,
            } => assert_eq!(kind(&now), "present"),
            other => panic!("{action:?}: {other:?}"),
        }

        let before = observed(&calendar, "a.ics").await;
        sim.add_fault(Fault::on("PUT", action.clone()).after());
        sim.clear_log();
        let now = stale(calendar.update(&retitle(&before, "New")).await.unwrap());
        assert!(matches!(now, Seen::Present(now) if title(&now) == "New"));
        assert_eq!(sim.counts()["PUT"], 1, "{action:?}");

        let current = observed(&calendar, "a.ics").await;
        sim.add_fault(Fault::on("DELETE", action.clone()).after());
        assert_eq!(
            calendar.remove(&removal(&current)).await.unwrap(),
            Written::Removed
        );
        assert_eq!(sim.objects("alice", "work").len(), 1);
    }
}

#[tokio::test]
async fn a_write_lost_on_its_way_is_sent_again() {
    for action in [
        FaultAction::Reset,
        FaultAction::status(502),
        FaultAction::status(503),
    ] {
        let sim = sim(|_| {});
        sim.put("alice", "work", "a.ics", &ics("a", "Old"));
        let (_, calendar) = opened(&sim).await;
        sim.add_fault(Fault::on("PUT", action.clone()));
        done(calendar.create(&create("s", "Tea")).await.unwrap());
        let before = observed(&calendar, "a.ics").await;
        sim.add_fault(Fault::on("PUT", action.clone()));
        let after = done(calendar.update(&retitle(&before, "New")).await.unwrap());
        sim.add_fault(Fault::on("DELETE", action.clone()));
        assert_eq!(
            calendar.remove(&removal(&after)).await.unwrap(),
            Written::Removed
        );
        assert_eq!(sim.objects("alice", "work").len(), 1);
    }
}

#[tokio::test]
async fn one_refused_event_is_one_refused_event() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Old"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    for status in [400, 403, 412, 413, 415, 500] {
        sim.add_fault(Fault::on("PUT", FaultAction::status(status)).times(2));
        let error = calendar.update(&retitle(&before, "New")).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Event, "{status}: {error}");
        sim.clear_faults();
        sim.add_fault(Fault::on("PUT", FaultAction::status(status)).times(2));
        let error = calendar
            .create(&create(&format!("s{status}"), "Tea"))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Event, "{status}: {error}");
        sim.clear_faults();
    }
}

#[tokio::test]
async fn a_calendar_closed_meanwhile_is_the_calendar_s_failure() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "Old"));
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "a.ics").await;
    sim.set_access("alice", "work", simulators::caldav::Access::ReadOnly);
    for error in [
        calendar.update(&retitle(&before, "New")).await.unwrap_err(),
        calendar.create(&create("s", "Tea")).await.unwrap_err(),
        calendar.remove(&removal(&before)).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.class, error.code),
            (ErrorClass::Calendar, "calendar_forbidden")
        );
    }
}

#[tokio::test]
async fn nobody_is_told_when_an_attended_event_goes() {
    let sim = sim(|quirks| quirks.no_keep_alive = true);
    let attended = "SUMMARY:Theirs\r\nORGANIZER:mailto:bob@example.org\r\n\
                    ATTENDEE:mailto:alice@example.org\r\n";
    sim.put(
        "alice",
        "work",
        "attended.ics",
        &event("attended", attended),
    );
    sim.put("alice", "work", "own.ics", &ics("own", "Own"));
    let (between, heard) = crate::sites::listener(sim.url()).await;
    let account = account(&format!("http://{between}/dav/"));
    let calendar = account.open(&work(&account).await, now()).unwrap();
    for (name, silent) in [("attended.ics", true), ("own.ics", false)] {
        let seen = observed(&calendar, name).await;
        // The engine does not say that the owner merely attends: the note does.
        assert_eq!(seen.note.is_some(), silent);
        heard.lock().unwrap().clear();
        assert_eq!(
            calendar.remove(&removal(&seen)).await.unwrap(),
            Written::Removed
        );
        let requests = heard.lock().unwrap().join("\n").to_lowercase();
        assert!(requests.contains("delete "));
        assert_eq!(requests.contains("schedule-reply: f"), silent, "{requests}");
    }
}
