//! Making events: once, whatever happens to the answers.

use serde_json::json;
use simulators::google::{Action, DEFAULT_ACCOUNT, Fault, GoogleSimConfig};
use sync_engine::model::{Google, OverrideValue, Sensitivity, Series, Status, Text, Transparency};
use sync_engine::observation::Seen;
use sync_engine::ports::{Create, ErrorClass, SidePort as _, Written};

use super::harness::{
    World, all_day, creation, done, event, present, projected, repeating, seen, series_of, tag,
    two_attempts, wall,
};

const START: &str = "2026-11-10T10:00:00";

fn one() -> Series {
    Series::single(event("One", START))
}

fn taken(written: Written<Google>) -> (Seen<Google>, bool) {
    match written {
        Written::Taken { now, used_up } => (*now, used_up),
        other => panic!("not taken: {other:?}"),
    }
}

#[tokio::test]
async fn a_copy_has_our_id_our_tag_and_every_core_field() {
    let world = World::new();
    let calendar = world.calendar();
    let mut fields = event("Café & <Co>", START);
    fields.description = Text::new("line one\nline <b>two</b> &amp; more");
    fields.location = Text::new("Here");
    fields.status = Status::Tentative;
    fields.transparency = Transparency::Free;
    fields.sensitivity = Sensitivity::Private;
    let made = world.made(&calendar, Series::single(fields.clone())).await;

    assert_eq!(made.resource, tag("one@example.com").google_id());
    assert_eq!(made.tag, Some(tag("one@example.com")));
    assert!(tag("one@example.com").proves_google(&made.resource));
    assert_eq!(series_of(&made).master.as_ref(), Some(&fields));
    let stored = world.stored(made.resource.as_str());
    assert_eq!(stored["reminders"], json!({"useDefault": false}));
    assert!(stored.get("attendees").is_none());
    let log = world.sim.log();
    let insert = log.iter().find(|e| e.method == "events.insert").unwrap();
    assert!(
        insert
            .query
            .contains(&("sendUpdates".into(), "none".into()))
    );
    assert!(insert.user_agent.as_deref().unwrap().contains("gzip"));
    world.is_clean();
}

#[tokio::test]
async fn reminders_are_the_calendar_s_only_if_wanted() {
    let world = World::new();
    let create = Create {
        default_reminders: true,
        ..creation("one@example.com", one())
    };
    let made = done(world.calendar().create(&create).await.unwrap());
    assert_eq!(
        world.stored(made.resource.as_str())["reminders"]["useDefault"],
        json!(true)
    );
}

#[tokio::test]
async fn a_series_takes_its_cancelled_occurrences_along() {
    let world = World::new();
    let calendar = world.calendar();
    let mut series = Series::single(repeating(event("Daily", START), "FREQ=DAILY;COUNT=5"));
    series
        .overrides
        .insert(wall("2026-11-12T10:00:00"), OverrideValue::Cancelled);
    let made = world.made(&calendar, series.clone()).await;
    assert_eq!(series_of(&made), &series);
    assert_eq!(
        world.stored(made.resource.as_str())["recurrence"],
        json!(["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20261112T090000Z"])
    );

    let day = Series::single(repeating(
        all_day("Day", "2026-11-10"),
        "FREQ=DAILY;UNTIL=20261115",
    ));
    let mut excluded = day.clone();
    excluded.overrides.insert(
        sync_engine::model::RecurrenceId::Date("2026-11-12".parse().unwrap()),
        OverrideValue::Cancelled,
    );
    let made = done(
        calendar
            .create(&creation("two@example.com", excluded.clone()))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&made), &excluded);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_event() {
    let world = World::new();
    let calendar = world.calendar();
    world.sim.fault(Fault::lost_answer("events.insert"));
    let (now, used_up) = taken(
        calendar
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
    assert!(!used_up);
    let now = present(&now);
    assert!(now.tag.as_ref().unwrap().proves_google(&now.resource));
    assert_eq!(world.alive(), 1);
    assert_eq!(world.requests("events.insert"), 1);
}

#[tokio::test]
async fn trouble_before_the_effect_is_looked_at_and_sent_again() {
    let world = World::new();
    world
        .sim
        .fault(Fault::status("events.insert", 503, "backendError"));
    let made = world
        .calendar()
        .create(&creation("one@example.com", one()))
        .await;
    done(made.unwrap());
    assert_eq!(world.requests("events.insert"), 2);
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn a_front_end_s_page_is_no_answer_about_the_event() {
    let world = World::new();
    for status in [404, 502] {
        world
            .sim
            .fault(Fault::before("events.insert", Action::Html { status }));
    }
    done(
        world
            .calendar()
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn an_event_that_stays_invisible_for_a_while_is_waited_for() {
    let world = World::with(
        GoogleSimConfig::default().knobs(|knobs| knobs.invisible_for = 4),
        gcal_client::Pace::unlimited(),
    );
    world.sim.fault(Fault::lost_answer("events.insert"));
    let (now, used_up) = taken(
        world
            .calendar()
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
    assert!(!used_up, "{now:?}");
    present(&now);
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn an_id_that_is_taken_shows_what_stands_there() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    let (now, used_up) = taken(
        calendar
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
    assert!(!used_up);
    assert_eq!(present(&now).etag, made.etag);

    world.person_deletes(made.resource.as_str());
    let (now, used_up) = taken(
        calendar
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
    assert!(matches!(now, Seen::Gone { .. }));
    assert!(!used_up, "nothing says yet that it cannot be revived");
    assert_eq!(world.alive(), 0, "a tombstone is a person's word");
    assert_eq!(world.sim.counts().writes_of("events.update"), 0);
}

#[tokio::test]
async fn what_a_person_deleted_after_a_lost_answer_stays_deleted() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.person_deletes(made.resource.as_str());
    // Sent again after a crash: no trouble on the way may end in a revival.
    for fault in [
        None,
        Some(Fault::status("events.insert", 503, "backendError")),
        Some(Fault::before("events.insert", Action::Reset)),
        Some(Fault::status("events.get", 503, "backendError")),
    ] {
        if let Some(fault) = fault {
            world.sim.fault(fault);
        }
        let (now, used_up) = taken(
            calendar
                .create(&creation("one@example.com", one()))
                .await
                .unwrap(),
        );
        assert!(matches!(now, Seen::Gone { .. }) && !used_up, "{now:?}");
    }
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn a_deleted_predecessor_lives_again_with_the_new_content() {
    for (sequence_zero, bare) in [(false, true), (true, true), (true, false)] {
        let world = World::with(
            GoogleSimConfig::default().knobs(|knobs| {
                knobs.put_sequence_zero = sequence_zero;
                knobs.bare_tombstones = bare;
            }),
            gcal_client::Pace::unlimited(),
        );
        let calendar = world.calendar();
        let made = world.made(&calendar, one()).await;
        world.person_changes(
            made.resource.as_str(),
            json!({"colorId": "5", "start": {"dateTime": "2026-11-11T10:00:00+01:00"},
                   "end": {"dateTime": "2026-11-11T11:00:00+01:00"}}),
        );
        world.person_deletes(made.resource.as_str());
        let revive = Create {
            series: projected(&Series::single(event("Again", "2026-11-20T10:00:00"))),
            revive: true,
            ..creation("one@example.com", one())
        };
        let again = done(calendar.create(&revive).await.unwrap());
        assert_eq!(again.resource, made.resource);
        let fields = series_of(&again).master.as_ref().unwrap();
        assert_eq!(fields.title.as_str(), "Again");
        assert_eq!(world.alive(), 1);
        world.is_clean();

        // What is alive is not overwritten by a revival.
        let (now, _) = taken(calendar.create(&revive).await.unwrap());
        present(&now);
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_revival_is_recognised() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.person_deletes(made.resource.as_str());
    world.sim.fault(Fault::lost_answer("events.update"));
    let revive = Create {
        revive: true,
        ..creation("one@example.com", one())
    };
    let (now, used_up) = taken(calendar.create(&revive).await.unwrap());
    assert!(!used_up);
    present(&now);
    assert_eq!(world.sim.counts().writes_of("events.update"), 1);
}

#[tokio::test]
async fn a_predecessor_that_stays_dead_is_used_up() {
    let world = World::with(
        GoogleSimConfig::default().knobs(|knobs| knobs.revive_forbidden = true),
        gcal_client::Pace::unlimited(),
    );
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.person_deletes(made.resource.as_str());
    let revive = Create {
        revive: true,
        ..creation("one@example.com", one())
    };
    let (now, used_up) = taken(calendar.create(&revive).await.unwrap());
    assert!(matches!(now, Seen::Gone { .. }));
    assert!(used_up);
}

#[tokio::test]
async fn reviving_what_never_was_makes_it() {
    let world = World::new();
    let revive = Create {
        revive: true,
        ..creation("one@example.com", one())
    };
    done(world.calendar().create(&revive).await.unwrap());
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn an_event_google_refuses_is_one_bad_event() {
    let world = World::new();
    let calendar = world.calendar();
    // A start that its rule does not give.
    let odd = Series::single(repeating(event("Odd", START), "FREQ=WEEKLY;BYDAY=FR"));
    let error = calendar
        .create(&creation("odd@example.com", odd))
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Event);

    let several = {
        let mut fields = repeating(event("Two rules", START), "FREQ=DAILY;COUNT=2");
        let rules = &mut fields.recurrence.as_mut().unwrap().rules;
        rules.push(sync_engine::recurrence::Rule::parse("FREQ=WEEKLY;COUNT=2").unwrap());
        Series::single(fields)
    };
    let error = calendar
        .create(&creation("several@example.com", several))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.code),
        (ErrorClass::Event, "google_cannot_hold")
    );
    done(
        calendar
            .create(&creation("one@example.com", one()))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_left_to_the_next_run() {
    let world = World::with(GoogleSimConfig::default(), two_attempts());
    world.sim.fault(Fault::lost_answer("events.insert"));
    world
        .sim
        .fault(Fault::status("events.get", 503, "backendError").times(0));
    let error = world
        .calendar()
        .create(&creation("one@example.com", one()))
        .await
        .unwrap_err();
    assert!(
        matches!(error.class, ErrorClass::Transient { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_was_made_is_in_the_next_reading_unchanged() {
    let world = World::new();
    let calendar = world.calendar();
    let first = world.complete(&calendar).await;
    let made = world.made(&calendar, one()).await;
    let next = calendar.list(first.cursor.as_ref()).await.unwrap();
    assert_eq!(present(seen(&next)[0]), made.as_ref());
    assert_eq!(world.sim.dump(DEFAULT_ACCOUNT).unwrap().len(), 1);
}
