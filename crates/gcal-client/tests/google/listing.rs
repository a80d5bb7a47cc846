//! Reading a calendar: pages, sync tokens, tombstones, exceptions, roles.

use gcal_client::Pace;
use serde_json::json;
use simulators::google::{DEFAULT_ACCOUNT, GoogleSimConfig, MalformedToken, Role};
use sync_engine::model::{Cursor, OverrideValue};
use sync_engine::observation::{Access, Seen};
use sync_engine::ports::{ErrorClass, SidePort as _};

use super::harness::{World, exception_of, present, seen, series_of};

fn day(summary: &str, date: &str) -> serde_json::Value {
    json!({"summary": summary, "start": {"date": date}, "end": {"date": next(date)}})
}

fn next(date: &str) -> String {
    let date: jiff::civil::Date = date.parse().unwrap();
    date.tomorrow().unwrap().to_string()
}

fn weekly() -> serde_json::Value {
    json!({
        "summary": "Weekly",
        "start": {"dateTime": "2026-11-02T10:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-02T11:00:00", "timeZone": "Europe/Berlin"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=8", "EXDATE:20261109T090000Z"],
    })
}

#[tokio::test]
async fn the_first_reading_is_complete_and_the_next_only_what_changed() {
    let world = World::new();
    let a = world.person_makes(day("A", "2026-11-10"));
    world.person_makes(day("B", "2026-11-11"));
    let calendar = world.calendar();
    let first = world.complete(&calendar).await;
    assert!(first.complete);
    assert_eq!(seen(&first).len(), 2);
    assert_eq!(first.suspect, None);

    world.sim.clear_log();
    let quiet = calendar.list(first.cursor.as_ref()).await.unwrap();
    assert!(!quiet.complete);
    assert!(quiet.items.is_empty());
    assert_eq!(world.sim.log().len(), 1, "one request when nothing changed");

    world.person_changes(&a, json!({"summary": "A2"}));
    let changed = calendar.list(quiet.cursor.as_ref()).await.unwrap();
    let [one] = seen(&changed)[..] else {
        panic!("{changed:?}");
    };
    assert_eq!(
        series_of(present(one))
            .master
            .as_ref()
            .unwrap()
            .title
            .as_str(),
        "A2"
    );

    world.person_deletes(&a);
    let deleted = calendar.list(changed.cursor.as_ref()).await.unwrap();
    assert!(matches!(seen(&deleted)[..], [Seen::Gone { resource }] if resource.as_str() == a));
}

#[tokio::test]
async fn small_and_empty_pages_are_followed_to_the_end() {
    let world = World::with(
        GoogleSimConfig::default().knobs(|knobs| knobs.page_cap = 2),
        Pace::unlimited(),
    );
    let calendar = world.calendar();
    let ids: Vec<String> = (10..20)
        .map(|n| world.person_makes(day(&format!("E{n}"), &format!("2026-11-{n}"))))
        .collect();
    for id in &ids[..6] {
        world.person_deletes(id);
    }
    let all = world.complete(&calendar).await;
    assert_eq!(seen(&all).len(), 4);
    for id in &ids[6..] {
        world.person_changes(id, json!({"summary": "again"}));
    }
    let changed = calendar.list(all.cursor.as_ref()).await.unwrap();
    assert_eq!(seen(&changed).len(), 4);
    let pages = world
        .sim
        .log()
        .iter()
        .filter(|entry| entry.query.iter().any(|(name, _)| name == "pageToken"))
        .count();
    assert!(pages >= 3, "{pages} further pages");
    assert!(
        world.sim.log().iter().all(|entry| entry.status == 200),
        "a parameter was not repeated"
    );
}

#[tokio::test]
async fn a_dead_sync_token_means_reading_everything() {
    for malformed in [MalformedToken::Gone, MalformedToken::BadRequest] {
        let world = World::with(
            GoogleSimConfig::default().knobs(|knobs| knobs.malformed_token = malformed),
            Pace::unlimited(),
        );
        world.person_makes(day("A", "2026-11-10"));
        let calendar = world.calendar();
        let first = world.complete(&calendar).await;

        world.sim.expire_sync_tokens();
        let again = calendar.list(first.cursor.as_ref()).await.unwrap();
        assert!(again.complete);
        assert_eq!(again.items.len(), 1);

        let odd = Cursor::new(r#"{"token":"never seen","role":"owner"}"#);
        let again = calendar.list(Some(&odd)).await.unwrap();
        assert!(again.complete);
        assert_eq!(again.items.len(), 1);

        let nonsense = Cursor::new("nonsense");
        assert!(calendar.list(Some(&nonsense)).await.unwrap().complete);
    }
}

#[tokio::test]
async fn masters_exceptions_and_holes_are_told_apart() {
    let world = World::new();
    let series = world.person_makes(weekly());
    let moved = format!("{series}_20261116T090000Z");
    let hole = format!("{series}_20261123T090000Z");
    world.person_changes(
        &moved,
        json!({"summary": "Moved", "start": {"dateTime": "2026-11-17T12:00:00+01:00", "timeZone": "Europe/Berlin"},
               "end": {"dateTime": "2026-11-17T13:00:00+01:00", "timeZone": "Europe/Berlin"}}),
    );
    world.person_deletes(&hole);
    let calendar = world.calendar();
    let listing = world.complete(&calendar).await;
    let items = seen(&listing);
    assert_eq!(items.len(), 3);
    let find = |id: &str| {
        present(
            items
                .iter()
                .find(|seen| seen.resource().as_str() == id)
                .unwrap(),
        )
    };

    let master = find(&series);
    let value = series_of(master);
    assert_eq!(
        value
            .overrides
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["2026-11-09T10:00:00"]
    );
    assert!(value.master.as_ref().unwrap().recurrence.is_some());
    assert!(master.note.is_some());

    let exception = find(&moved);
    assert_eq!(exception.series.as_str(), series);
    let OverrideValue::Fields(fields) = exception_of(exception) else {
        panic!("{exception:?}");
    };
    assert_eq!(fields.title.as_str(), "Moved");
    assert_eq!(fields.recurrence, None);

    let cancelled = find(&hole);
    assert_eq!(*exception_of(cancelled), OverrideValue::Cancelled);
    assert_eq!(
        cancelled.uid, master.uid,
        "it comes bare and has its series' UID"
    );
}

#[tokio::test]
async fn a_deleted_series_leaves_no_holes_behind() {
    for tombstones in [
        simulators::google::CascadeTombstones::MasterOnly,
        simulators::google::CascadeTombstones::All,
    ] {
        let world = World::with(
            GoogleSimConfig::default().knobs(|knobs| knobs.cascade_tombstones = tombstones),
            Pace::unlimited(),
        );
        let series = world.person_makes(weekly());
        world.person_deletes(&format!("{series}_20261123T090000Z"));
        let calendar = world.calendar();
        let first = world.complete(&calendar).await;
        world.person_deletes(&series);
        let changed = calendar.list(first.cursor.as_ref()).await.unwrap();
        assert!(
            seen(&changed)
                .iter()
                .all(|seen| matches!(seen, Seen::Gone { .. })),
            "{changed:?}"
        );
        assert!(
            seen(&changed)
                .iter()
                .any(|seen| seen.resource().as_str() == series)
        );
    }
}

#[tokio::test]
async fn a_role_that_sees_less_is_suspect_until_it_sees_again() {
    let world = World::new();
    world.person_makes(day("A", "2026-11-10"));
    let calendar = world.calendar();
    let first = world.complete(&calendar).await;
    assert!(calendar.capabilities().writable);

    let set = |role| {
        world
            .sim
            .set_role(DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, role)
            .unwrap();
    };
    world.person_makes(day("B", "2026-11-11"));
    for role in [
        Role::FreeBusyReader,
        Role::Reader,
        Role::WriterWithoutPrivateAccess,
    ] {
        set(role);
        let hidden = calendar.list(first.cursor.as_ref()).await.unwrap();
        assert!(hidden.suspect.is_some(), "{role:?}");
        assert!(hidden.items.is_empty(), "what looks like an edit is none");
        assert!(!hidden.complete, "what is not named is not gone");
        assert_eq!(
            calendar.capabilities().writable,
            role == Role::WriterWithoutPrivateAccess
        );
        let still = calendar.list(hidden.cursor.as_ref()).await.unwrap();
        assert!(
            still.suspect.is_some(),
            "a second look does not make it trustworthy"
        );
        assert_eq!(still.cursor, first.cursor, "the old place stays");
    }

    set(Role::Owner);
    let back = calendar.list(first.cursor.as_ref()).await.unwrap();
    assert_eq!(back.suspect, None);
    assert_eq!(seen(&back).len(), 2, "what changed meanwhile is not lost");
    assert!(calendar.capabilities().writable);
}

#[tokio::test]
async fn a_role_that_shrinks_between_list_and_get_empties_no_title() {
    let world = World::new();
    let mut event = day("A", "2026-11-10");
    event["visibility"] = json!("private");
    let id = world.person_makes(event);
    let calendar = world.calendar();
    present(seen(&world.complete(&calendar).await)[0]);
    for role in [Role::FreeBusyReader, Role::Reader] {
        world
            .sim
            .set_role(DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, role)
            .unwrap();
        let now = calendar.fetch(&[super::harness::id(&id)]).await.unwrap();
        assert!(matches!(now[..], [Seen::Unreadable { .. }]), "{now:?}");
    }
}

#[tokio::test]
async fn an_exception_comes_before_its_master_or_without_it() {
    let world = World::new();
    let series = world.person_makes(weekly());
    let hole = format!("{series}_20261123T090000Z");
    let calendar = world.calendar();
    let mut cursor = world.complete(&calendar).await.cursor;
    world.person_deletes(&hole);
    let alone = calendar.list(cursor.as_ref()).await.unwrap();
    let [one] = seen(&alone)[..] else {
        panic!("{alone:?}");
    };
    assert_eq!(*exception_of(present(one)), OverrideValue::Cancelled);
    assert_eq!(present(one).series.as_str(), series);
    cursor = alone.cursor;
    // Together, in whatever order they come.
    for _ in 0..6 {
        world.person_changes(&series, json!({"location": "There"}));
        world.person_changes(&series, json!({"location": "Here"}));
        let moved = format!("{series}_20261116T090000Z");
        world.person_changes(&moved, json!({"summary": "Other"}));
        world.person_changes(&moved, json!({"summary": "Another"}));
        let both = calendar.list(cursor.as_ref()).await.unwrap();
        assert_eq!(seen(&both).len(), 2);
        for item in seen(&both) {
            assert_eq!(present(item).series.as_str(), series);
        }
        cursor = both.cursor;
    }
}

#[tokio::test]
async fn an_event_that_only_somebody_else_may_see_whole_stays_as_it_was() {
    let world = World::new();
    world
        .sim
        .set_role(
            DEFAULT_ACCOUNT,
            DEFAULT_ACCOUNT,
            Role::WriterWithoutPrivateAccess,
        )
        .unwrap();
    let id = world.person_makes(day("Plain", "2026-11-10"));
    let calendar = world.calendar();
    let first = world.complete(&calendar).await;
    present(seen(&first)[0]);
    world.person_changes(&id, json!({"visibility": "private"}));
    let then = calendar.list(first.cursor.as_ref()).await.unwrap();
    assert_eq!(then.suspect, None);
    assert!(
        matches!(seen(&then)[..], [Seen::Unreadable { .. }]),
        "{then:?}"
    );
}

#[tokio::test]
async fn a_private_event_seen_without_its_details_is_there_and_unreadable() {
    let world = World::new();
    let mut secret = day("Secret", "2026-11-10");
    secret["visibility"] = json!("private");
    world.person_makes(secret);
    world
        .sim
        .set_role(DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, Role::Reader)
        .unwrap();
    let calendar = world.calendar();
    let listing = world.complete(&calendar).await;
    assert!(
        matches!(seen(&listing)[..], [Seen::Unreadable { .. }]),
        "{listing:?}"
    );
}

#[tokio::test]
async fn a_calendar_that_is_not_shared_any_more_deletes_nothing() {
    let world = World::new();
    world.person_makes(day("A", "2026-11-10"));
    let calendar = world.calendar();
    let first = world.complete(&calendar).await;
    world
        .sim
        .set_role(DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, Role::None)
        .unwrap();
    let error = calendar.list(first.cursor.as_ref()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Calendar);
    assert_eq!(error.code, "google_calendar_gone");
}

#[tokio::test]
async fn what_belongs_to_others_is_a_source_only() {
    let world = World::new();
    let person = world.sim.as_user(DEFAULT_ACCOUNT);
    let mut invitation = day("Invitation", "2026-11-10");
    invitation["organizer"] = json!({"email": "bob@example.com"});
    invitation["attendees"] = json!([
        {"email": "bob@example.com", "responseStatus": "accepted"},
        {"email": DEFAULT_ACCOUNT, "responseStatus": "declined"},
    ]);
    person.plant(DEFAULT_ACCOUNT, invitation).unwrap();
    let mut flight = day("Flight", "2026-11-11");
    flight["eventType"] = json!("fromGmail");
    person.plant(DEFAULT_ACCOUNT, flight).unwrap();
    let mut locked = day("Locked", "2026-11-12");
    locked["locked"] = json!(true);
    person.plant(DEFAULT_ACCOUNT, locked).unwrap();

    let calendar = world.calendar();
    let listing = world.complete(&calendar).await;
    for item in seen(&listing) {
        let observation = present(item);
        assert_eq!(observation.access, Access::ReadOnly, "{observation:?}");
        let fields = series_of(observation).master.as_ref().unwrap();
        let invited = fields.title.as_str() == "Invitation";
        assert_eq!(fields.declined, invited);
        assert_eq!(observation.has_guests, invited);
    }
    assert_eq!(listing.items.len(), 3);
}
