//! Answers that Google would never give, from whatever stands in its place: each is refused or set
//! aside in bounded work, and one strange event is one strange event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use outbound::Request;
use serde_json::{Value, json};
use sync_engine::model::{Google, Series, Text};
use sync_engine::observation::{Content, Seen};
use sync_engine::ports::{ErrorClass, Listed, Listing, SidePort as _};

use super::harness::{World, id};
use super::reading::with;

fn is_list(request: &Request) -> bool {
    request.url.path().ends_with("/events")
}

fn is_about(request: &Request, event: &str) -> bool {
    request.url.path().ends_with(&format!("/events/{event}"))
}

/// A calendar whose whole listing is this body.
fn listing(body: impl Into<Vec<u8>>) -> World {
    let body = body.into();
    World::spoiled(move |request| is_list(request).then(|| (200, body.clone())))
}

fn page(items: &[String]) -> String {
    format!(
        r#"{{"accessRole":"owner","timeZone":"Europe/Berlin","items":[{}],"nextSyncToken":"t"}}"#,
        items.join(",")
    )
}

/// An event with an id of its own.
fn good(number: usize) -> String {
    let name = format!("good{number}");
    let uid = format!("{name}@google.com");
    with(json!({"id": name, "iCalUID": uid, "summary": "Good"})).to_string()
}

fn seen(listing: &Listing<Google>) -> Vec<&Seen<Google>> {
    listing
        .items
        .iter()
        .map(|item| match item {
            Listed::Seen(seen) => seen,
            Listed::Version { .. } => panic!("a version alone"),
        })
        .collect()
}

#[tokio::test]
async fn what_is_no_listing_is_refused_and_no_event_is_gone() {
    let deep = format!(
        "{{\"items\":{}{}",
        "{\"a\":".repeat(100_000),
        "}".repeat(100_001)
    );
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("HTML", b"<!doctype html><html><body>Sign in".to_vec()),
        ("half of it", br#"{"items":[{"id":"a","summ"#.to_vec()),
        ("a list", b"[]".to_vec()),
        ("a text", b"\"items\"".to_vec()),
        ("items that are none", br#"{"items":{"id":"a"}}"#.to_vec()),
        ("deep objects", deep.into_bytes()),
        ("a NUL at the end", b"{\"items\":[]}\0".to_vec()),
        ("no UTF-8", b"{\"items\":[{\"id\":\"\xff\xfe\"}]}".to_vec()),
        (
            "UTF-16",
            "{\"items\":[]}"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        (
            "a million items",
            format!("{{\"items\":[{}0]}}", "0,".repeat(1_000_000)).into_bytes(),
        ),
        ("a page of 60 MB", vec![b' '; 60_000_000]),
        (
            "a token that is none",
            br#"{"items":[],"nextPageToken":{"a":1}}"#.to_vec(),
        ),
    ];
    for (name, body) in bodies {
        let world = listing(body);
        let Err(error) = world.calendar().list(None).await else {
            panic!("{name}: it was taken for a listing");
        };
        assert!(
            matches!(error.code, "google_unreadable" | "google_unreachable"),
            "{name}: {error}"
        );
        assert!(
            matches!(error.class, ErrorClass::Transient { .. }),
            "{name}: {error:?}"
        );
        assert!(error.detail.len() < 300, "{name}: {}", error.detail);
    }
}

#[tokio::test]
async fn strange_events_are_set_aside_and_their_neighbours_read() {
    let strange = |changes: Value| with(changes).to_string();
    let huge = "x".repeat(10_000_000);
    let rules: Vec<Value> = (0..1000)
        .map(|n| json!(format!("RRULE:FREQ=DAILY;COUNT={n}")))
        .collect();
    let dates = format!("EXDATE:{}", vec!["20261110T110000Z"; 30_000].join(","));
    let deep = format!(
        r#"{{"id":"deep","iCalUID":"deep","extendedProperties":{}1{}}}"#,
        "{\"private\":".repeat(60),
        "}".repeat(60)
    );
    let bad = [
        strange(json!({"id": "a", "description": huge})),
        strange(json!({"id": "b", "summary": 5})),
        strange(json!({"id": "c", "start": "tomorrow"})),
        strange(json!({"id": "d", "recurrence": "RRULE:FREQ=DAILY"})),
        strange(json!({"id": "e", "recurrence": rules})),
        strange(json!({"id": "f", "recurrence": [dates]})),
        strange(json!({"id": "g", "recurrence": ["RRULE:FREQ=SOMETIMES"]})),
        strange(
            json!({"id": "h", "recurrence": [format!("RRULE:FREQ=DAILY;BYHOUR={}1", "1,".repeat(200_000))]}),
        ),
        strange(json!({"id": "j", "start": {"date": "99999-12-31"}})),
        strange(json!({"id": "k", "start": {"dateTime": "2026-11-10T12:00:00+99:00"}})),
        strange(json!({"id": "l", "start": null})),
        strange(json!({"id": "m", "extendedProperties": {"private": {"a": {"b": 1}}}})),
        deep,
    ];
    // No event at all, or one without a name.
    let nothing = ["0", "null", "[]", "{}", r#"{"id":5}"#, r#""id""#].map(str::to_owned);
    let mut items: Vec<String> = (0..50).map(good).collect();
    items.extend(bad.iter().cloned());
    items.extend(nothing);
    items.push(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    items.extend((50..100).map(good));
    let world = listing(page(&items));
    let listed = world.calendar().list(None).await.unwrap();
    let (mut present, mut unreadable) = (0, Vec::new());
    for seen in seen(&listed) {
        match seen {
            Seen::Present(observation) => {
                assert!(
                    observation.resource.as_str().starts_with("good"),
                    "{seen:?}"
                );
                present += 1;
            }
            Seen::Unreadable {
                resource, reason, ..
            } => {
                assert!(!reason.is_empty() && reason.len() < 300, "{reason}");
                unreadable.push(resource.as_str().to_owned());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(present, 100);
    assert_eq!(unreadable.len(), bad.len(), "{unreadable:?}");
}

#[tokio::test]
async fn absurd_rules_are_carried_as_text() {
    let rules = [
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=4294967295",
        "FREQ=YEARLY;UNTIL=99991231T235959Z",
    ];
    let items: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(n, rule)| {
            let changes = json!({"id": format!("r{n}"), "recurrence": [format!("RRULE:{rule}")]});
            with(changes).to_string()
        })
        .collect();
    let world = listing(page(&items));
    let listed = world.calendar().list(None).await.unwrap();
    for seen in seen(&listed) {
        let Seen::Present(observation) = seen else {
            panic!("{seen:?}");
        };
        let Content::Series(series) = &observation.content else {
            panic!("{seen:?}");
        };
        let Series { master, .. } = &**series;
        assert!(master.as_ref().unwrap().recurrence.is_some());
    }
}

#[tokio::test]
async fn pages_that_do_not_end_end() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let world = World::spoiled(move |request| {
        is_list(request).then(|| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            (
                200,
                format!(r#"{{"items":[],"nextPageToken":"{n}"}}"#).into_bytes(),
            )
        })
    });
    let error = world.calendar().list(None).await.unwrap_err();
    assert_eq!(error.code, "google_unreadable", "{error}");
    assert!(asked.load(Ordering::SeqCst) <= 2000);

    // Full pages end sooner.
    let full = (0..2500).map(|_| "{}").collect::<Vec<_>>().join(",");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let world = World::spoiled(move |request| {
        is_list(request).then(|| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            let page = format!(r#"{{"items":[{full}],"nextPageToken":"{n}"}}"#);
            (200, page.into_bytes())
        })
    });
    let error = world.calendar().list(None).await.unwrap_err();
    assert_eq!(error.code, "google_unreadable", "{error}");
    assert!(asked.load(Ordering::SeqCst) <= 100);

    let world = World::spoiled(|request| {
        let more = r#"{"items":[{"id":"c","summary":"C"}],"nextPageToken":"same"}"#;
        let calendars = request.url.path().ends_with("/calendarList");
        calendars.then(|| (200, more.as_bytes().to_vec()))
    });
    assert!(world.account.calendars().await.is_err());
}

#[tokio::test]
async fn of_ten_thousand_calendars_a_thousand_are_shown_by_short_names() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let world = World::spoiled(move |request| {
        request.url.path().ends_with("/calendarList").then(|| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            let items: Vec<Value> = (0..250)
                .map(|i| {
                    let name = format!("Line\r\nanother{}", "x".repeat(5000));
                    json!({"id": format!("c{n}-{i}"), "summary": name, "accessRole": "owner"})
                })
                .collect();
            let page = json!({"items": items, "nextPageToken": n.to_string()});
            (200, page.to_string().into_bytes())
        })
    });
    let calendars = world.account.calendars().await.unwrap();
    assert_eq!(calendars.len(), 1000);
    assert!(calendars.iter().all(|calendar| {
        calendar.name.starts_with("Line  another") && calendar.name.chars().count() == 200
    }));
    assert!(asked.load(Ordering::SeqCst) <= 5);
}

#[tokio::test]
async fn one_event_that_cannot_be_read_by_itself_is_one_event() {
    let answers = [
        (200, b"<html>".to_vec()),
        (200, br#"{"id":"bad","summary":5}"#.to_vec()),
        (200, vec![b' '; 3_000_000]),
    ];
    for (status, body) in answers {
        let world =
            World::spoiled(move |request| is_about(request, "bad").then(|| (status, body.clone())));
        let event =
            json!({"summary": "A", "start": {"date": "2026-11-10"}, "end": {"date": "2026-11-11"}});
        let there = world.person_makes(event);
        let wanted = [id(&there), id("bad"), id("never")];
        let read = world.calendar().fetch(&wanted).await.unwrap();
        assert_eq!(read.len(), 3);
        assert!(matches!(read[0], Seen::Present(_)), "{read:?}");
        assert!(matches!(read[1], Seen::Unreadable { .. }), "{read:?}");
        assert!(matches!(read[2], Seen::Gone { .. }), "{read:?}");
    }
    // Where everything is strange, nobody can tell which event is.
    let world = World::spoiled(|request| {
        let asks = request.url.path().contains("/events");
        asks.then(|| (200, b"<html>".to_vec()))
    });
    let error = world.calendar().fetch(&[id("bad")]).await.unwrap_err();
    assert_eq!(error.code, "google_unreadable", "{error}");
}

#[tokio::test]
async fn markup_in_a_description_is_read_once_through() {
    for unit in [
        "<style></style>",
        "<!---->",
        "<a ",
        "&amp;",
        "<li>",
        "</script>",
        "<p\"'>",
    ] {
        let html = unit.repeat(500_000 / unit.len());
        let item = with(json!({"id": "a", "description": html})).to_string();
        let world = listing(page(&[item]));
        let listed = world.calendar().list(None).await.unwrap();
        let [Seen::Present(observation)] = seen(&listed)[..] else {
            panic!("{unit}");
        };
        let Content::Series(series) = &observation.content else {
            panic!("{unit}");
        };
        let text: &Text = &series.master.as_ref().unwrap().description;
        assert!(text.as_str().len() <= 1_000_000, "{unit}");
    }
}

#[tokio::test]
async fn a_token_that_is_none_ends_no_sign_in() {
    let odd = json!({"access_token": "line\r\nbreak", "expires_in": 3599, "token_type": "Bearer"});
    let bodies: Vec<Vec<u8>> = vec![
        b"<html>Sign in to the hotel's network</html>".to_vec(),
        b"{}".to_vec(),
        br#"{"access_token":5,"expires_in":"soon"}"#.to_vec(),
        br#"{"access_token":"a","token_type":"Bearer","expires_in":-1}"#.to_vec(),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(),
        vec![b' '; 1_000_000],
        odd.to_string().into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let world = World::spoiled(move |request| {
            let asks = request.url.path() == "/token";
            asks.then(|| (200, body.clone()))
        });
        world.sim.advance(jiff::SignedDuration::from_hours(2));
        let error = world.calendar().list(None).await.unwrap_err();
        assert!(
            !matches!(error.class, ErrorClass::Credentials),
            "{shown}: {error:?}"
        );
        assert!(!error.detail.contains("hotel") && !error.detail.contains("break"));
    }
}
