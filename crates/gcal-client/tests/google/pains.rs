//! What users of other calendar syncs suffer from, where it is this client that must know better:
//! one test named after each pain. The whole list is at the head of
//! `bins/caldav-sync/tests/product/pains.rs`.

use gcal_client::Pace;
use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{
    Action, ClientConfig, DEFAULT_ACCOUNT, Fault, GoogleSimConfig, MalformedToken, PersonEdit,
    QuotaConfig,
};
use sync_engine::model::{ComponentKey, Field, Series, Text};
use sync_engine::observation::Seen;
use sync_engine::ports::{
    Change, ComponentChange, Create, ErrorClass, SidePort as _, Target, Update, Written,
};

use super::harness::{World, creation, done, event, projected, seen, series_of, stored_as, tag};

const START: &str = "2026-11-10T10:00:00";

fn one() -> Series {
    Series::single(event("One", START))
}

fn retitled(
    seen: &sync_engine::observation::Observation<sync_engine::model::Google>,
    title: &str,
) -> Update<sync_engine::model::Google> {
    let mut wanted = series_of(seen).clone();
    wanted.master.as_mut().unwrap().title = Text::new(title);
    Update {
        target: Target::Stored(stored_as(seen)),
        series: projected(&wanted),
        changes: vec![ComponentChange {
            key: ComponentKey::Master,
            change: Change::Set([Field::Title].into()),
        }],
        tag: None,
    }
}

#[tokio::test]
async fn pain_06_an_expired_token_is_no_empty_answer() {
    for malformed in [MalformedToken::Gone, MalformedToken::BadRequest] {
        let config = GoogleSimConfig::default().knobs(|knobs| knobs.malformed_token = malformed);
        let world = World::with(config, Pace::unlimited());
        let ids: Vec<String> = (1..5)
            .map(|day| {
                world.person_makes(json!({
                    "summary": format!("Day {day}"),
                    "start": { "date": format!("2026-11-{day:02}") },
                    "end": { "date": format!("2026-11-{:02}", day + 1) },
                }))
            })
            .collect();
        let calendar = world.calendar();
        let first = world.complete(&calendar).await;
        // One is deleted behind the token; a complete list names no tombstones that would say so.
        world.person_deletes(&ids[0]);
        world.sim.expire_sync_tokens();
        let again = calendar.list(first.cursor.as_ref()).await.unwrap();
        assert!(again.complete, "what it does not name is asked about");
        let there = seen(&again)
            .into_iter()
            .filter(|seen| matches!(seen, Seen::Present(_)))
            .count();
        assert_eq!(there, 3);
        let gone = calendar
            .fetch(&[super::harness::id(&ids[0])])
            .await
            .unwrap();
        assert!(matches!(gone[..], [Seen::Gone { .. }]), "{gone:?}");
    }
}

#[tokio::test]
async fn pain_12_an_id_that_a_tombstone_holds_is_used_again_or_the_next_one_is() {
    for forbidden in [false, true] {
        let config = GoogleSimConfig::default().knobs(|knobs| knobs.revive_forbidden = forbidden);
        let world = World::with(config, Pace::unlimited());
        let calendar = world.calendar();
        let first = world.made(&calendar, one()).await;
        world.person_deletes(first.resource.as_str());
        let again = Create {
            revive: true,
            ..creation("one@example.com", Series::single(event("Again", START)))
        };
        match calendar.create(&again).await.unwrap() {
            Written::Done(made) => {
                assert!(!forbidden);
                assert_eq!(made.resource, first.resource);
            }
            Written::Taken { used_up: true, .. } => {
                assert!(forbidden, "reviving was not refused");
                let mut next = again;
                next.tag.generation += 1;
                let made = done(calendar.create(&next).await.unwrap());
                assert_ne!(made.resource, first.resource);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.alive(), 1);
    }
}

#[tokio::test]
async fn pain_14_the_usage_limit_stops_writes_for_hours_and_reads_never() {
    let config = GoogleSimConfig {
        quota: QuotaConfig {
            creations: Some(1),
            ..QuotaConfig::default()
        },
        ..GoogleSimConfig::default()
    };
    let world = World::with(config, Pace::unlimited());
    let calendar = world.calendar();
    world.made(&calendar, one()).await;
    let create = |n: u32| creation(&format!("{n}@example.com"), one());
    let refused = calendar.create(&create(1)).await.unwrap_err();
    assert!(
        matches!(refused.class, ErrorClass::WritesExhausted { .. }),
        "{refused:?}"
    );
    // No storm: an hour of runs sends nothing more.
    let asked = world.requests("events.insert");
    for n in 2..14 {
        world.sim.advance(SignedDuration::from_mins(4));
        assert!(calendar.create(&create(n)).await.is_err());
        calendar.list(None).await.unwrap();
    }
    assert_eq!(world.requests("events.insert"), asked);
}

#[tokio::test]
async fn pain_15_no_write_can_mail_anybody() {
    let config = GoogleSimConfig::default().knobs(|knobs| knobs.fail_on_mail = true);
    let world = World::with(config, Pace::unlimited());
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    let after = done(calendar.update(&retitled(&made, "Two")).await.unwrap());
    let remove = sync_engine::ports::Remove {
        resource: stored_as(&after),
        attending: false,
    };
    calendar.remove(&remove).await.unwrap();
    for entry in world.sim.log() {
        let Some(body) = entry.body.filter(|_| entry.effect) else {
            continue;
        };
        assert!(body.get("attendees").is_none(), "{body:#}");
        assert!(body.get("organizer").is_none(), "{body:#}");
    }
    let writes = world.sim.log().into_iter().filter(|entry| entry.effect);
    for write in writes {
        let quiet = ("sendUpdates".to_owned(), "none".to_owned());
        assert!(
            write.query.contains(&quiet),
            "{} {:?}",
            write.method,
            write.query
        );
    }
    world.is_clean();
}

#[tokio::test]
async fn pain_21_what_google_writes_into_a_description_is_not_ours_to_write_again() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    // Google's own interface keeps HTML; the text of it is what people wrote.
    world.person_changes(
        made.resource.as_str(),
        json!({ "description": "Dear <b>all</b>,<br>see you &amp; yours" }),
    );
    let listing = calendar.list(None).await.unwrap();
    let Seen::Present(there) = seen(&listing)[0] else {
        panic!("{listing:?}");
    };
    let text = series_of(there)
        .master
        .as_ref()
        .unwrap()
        .description
        .clone();
    assert_eq!(text.as_str(), "Dear all,\nsee you & yours");
    // An edit of another field leaves the HTML as it is, and reading it again finds nothing new.
    let after = done(calendar.update(&retitled(there, "Two")).await.unwrap());
    assert_eq!(series_of(&after).master.as_ref().unwrap().description, text);
    let stored = world.stored(made.resource.as_str());
    assert_eq!(
        stored["description"],
        "Dear <b>all</b>,<br>see you &amp; yours"
    );
}

#[tokio::test]
async fn pain_23_a_stale_version_is_read_again_and_no_sequence_is_ever_sent() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    // Somebody edits between our read and our write.
    world.sim.fault(Fault::before(
        "events.patch",
        Action::AsUser(PersonEdit {
            account: DEFAULT_ACCOUNT.to_owned(),
            calendar: DEFAULT_ACCOUNT.to_owned(),
            op: "patch".to_owned(),
            id: made.resource.as_str().to_owned(),
            body: json!({ "location": "Meanwhile" }),
        }),
    ));
    let written = calendar.update(&retitled(&made, "Two")).await.unwrap();
    let Written::Stale { now } = written else {
        panic!("{written:?}");
    };
    let Seen::Present(now) = *now else {
        panic!("{now:?}");
    };
    assert_eq!(
        series_of(&now).master.as_ref().unwrap().location.as_str(),
        "Meanwhile"
    );
    done(calendar.update(&retitled(&now, "Two")).await.unwrap());
    let stored = world.stored(made.resource.as_str());
    assert_eq!(
        (&stored["summary"], &stored["location"]),
        (&json!("Two"), &json!("Meanwhile"))
    );
    for entry in world.sim.log() {
        let sequence = entry.body.as_ref().and_then(|body| body.get("sequence"));
        assert!(sequence.is_none(), "{entry:?}");
    }
    assert_eq!(world.alive(), 1, "no second event instead of the first");
    assert!(tag("one@example.com").proves_google(&made.resource));
}

#[tokio::test]
async fn pain_24_a_token_that_dies_after_seven_days_says_why() {
    let config = GoogleSimConfig {
        clients: vec![ClientConfig {
            testing: true,
            ..ClientConfig::default()
        }],
        ..GoogleSimConfig::default()
    };
    let world = World::with(config, Pace::unlimited());
    let calendar = world.calendar();
    world.made(&calendar, one()).await;
    world.sim.advance(SignedDuration::from_hours(7 * 24 + 1));
    let error = calendar.list(None).await.unwrap_err();
    assert!(
        matches!(error.class, ErrorClass::Credentials),
        "it needs a person, not a retry: {error:?}"
    );
    assert!(error.detail.contains("Testing"), "{}", error.detail);
    assert!(!error.action.is_empty());
    // Nothing is asked again and again meanwhile.
    let asked = world.requests("token");
    assert!(calendar.list(None).await.is_err());
    assert_eq!(world.requests("token"), asked);
}
