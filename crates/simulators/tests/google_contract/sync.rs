//! Sync tokens, paging, deletions in lists, and every way a token dies.

use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{
    AccountConfig, CalendarConfig, GoogleSimConfig, MalformedToken, Role, WindowedDelta,
};

use crate::support::{ADA, EVENTS, SERIES, Session, all_day, ids, plus, timed, weekly};

fn event(n: usize) -> serde_json::Value {
    plus(
        timed(),
        &json!({"id": format!("event{n:02}"), "summary": format!("Event {n}")}),
    )
}

fn with_events(count: usize) -> Session {
    let session = Session::new();
    for n in 0..count {
        session.insert(&event(n));
    }
    session
}

/// Follows the pages of a query; gives ids page by page and the sync token.
fn pages(session: &Session, query: &str) -> (Vec<Vec<String>>, Option<String>) {
    let mut out = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let more = token
            .map(|token| format!("&pageToken={token}"))
            .unwrap_or_default();
        let page = session.list(&format!("{query}{more}"));
        out.push(ids(&page));
        assert!(page.get("nextPageToken").is_some() != page.get("nextSyncToken").is_some());
        match page["nextPageToken"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => return (out, page["nextSyncToken"].as_str().map(str::to_owned)),
        }
    }
}

#[test]
fn the_token_is_on_the_last_page_only() {
    let session = with_events(5);
    let (pages, token) = pages(&session, "maxResults=2");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let mut all = pages.concat();
    all.sort();
    assert_eq!(all.len(), 5);
    assert!(token.is_some());
}

#[test]
fn a_delta_has_each_changed_event_once_in_its_latest_state() {
    let session = with_events(3);
    let token = session.sync_token();
    assert_eq!(
        session.list(&format!("syncToken={token}"))["items"],
        json!([])
    );
    session
        .patch(&format!("{EVENTS}/event00"), &json!({"summary": "a"}))
        .ok();
    session
        .patch(&format!("{EVENTS}/event00"), &json!({"summary": "b"}))
        .ok();
    session.delete(&format!("{EVENTS}/event01"));
    let page = session.list(&format!("syncToken={token}"));
    assert_eq!(ids(&page), ["event00", "event01"]);
    let of = |id: &str| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|i| i["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(of("event00")["summary"], "b");
    assert_eq!(of("event01")["status"], "cancelled");
    // The same token gives the same again; the next one is empty.
    assert_eq!(
        session.list(&format!("syncToken={token}"))["items"],
        page["items"]
    );
    let next = page["nextSyncToken"].as_str().unwrap();
    assert_eq!(
        session.list(&format!("syncToken={next}"))["items"],
        json!([])
    );
}

#[test]
fn pages_are_cut_before_deleted_events_are_filtered() {
    let session = with_events(12);
    for n in 0..9 {
        session.delete(&format!("{EVENTS}/event{n:02}"));
    }
    let (pages, _) = pages(&session, "maxResults=2");
    assert_eq!(pages.len(), 6);
    assert!(pages.iter().any(Vec::is_empty), "{pages:?}");
    let mut live = pages.concat();
    live.sort();
    assert_eq!(live, ["event09", "event10", "event11"]);
}

#[test]
fn changes_between_pages_come_in_the_next_delta() {
    for shows in [false, true] {
        let session = with_events(6);
        session.sim.knobs(|knobs| knobs.paging_shows_new = shows);
        let first = session.list("maxResults=3");
        for n in 6..30 {
            session.insert(&event(n));
        }
        session
            .patch(&format!("{EVENTS}/event00"), &json!({"summary": "late"}))
            .ok();
        let next = first["nextPageToken"].as_str().unwrap();
        let mut seen = ids(&first);
        let mut page = session.list(&format!("maxResults=3&pageToken={next}"));
        seen.extend(ids(&page));
        while let Some(next) = page["nextPageToken"].as_str() {
            page = session.list(&format!("maxResults=3&pageToken={next}"));
            seen.extend(ids(&page));
        }
        seen.sort();
        // Nothing that was there at the start is missing.
        for n in 0..6 {
            assert!(seen.contains(&format!("event{n:02}")));
        }
        assert_eq!(seen.len() > 6, shows);
        let token = page["nextSyncToken"].as_str().unwrap();
        let (delta, _) = pages(&session, &format!("maxResults=3&syncToken={token}"));
        let mut delta = delta.concat();
        delta.sort();
        assert_eq!(delta.len(), 25);
        assert!(delta.contains(&"event00".to_owned()));
    }
}

#[test]
fn what_does_not_go_with_a_sync_token() {
    let session = with_events(1);
    let token = session.sync_token();
    for query in [
        "iCalUID=x",
        "orderBy=updated",
        "privateExtendedProperty=a%3Db",
        "q=x",
        "sharedExtendedProperty=a%3Db",
        "timeMin=2026-11-01T00:00:00Z",
        "timeMax=2026-11-01T00:00:00Z",
        "updatedMin=2026-11-01T00:00:00Z",
        "showDeleted=false",
        // Not what the first list was asked for.
        "singleEvents=true",
        "maxResults=10",
        "eventTypes=default",
    ] {
        let reply = session.get(&format!("{EVENTS}?syncToken={token}&{query}"));
        assert_eq!(reply.refused(), (400, "badRequest".into()), "{query}");
    }
    let same = session.get(&format!(
        "{EVENTS}?syncToken={token}&fields=nextSyncToken&prettyPrint=false"
    ));
    assert_eq!(same.status, 200);
    // Queries that cannot be synced bring no token.
    for query in [
        "orderBy=updated",
        "q=x",
        "updatedMin=2026-11-01T00:00:00Z",
        "iCalUID=x",
    ] {
        assert!(
            session.list(query).get("nextSyncToken").is_none(),
            "{query}"
        );
    }
}

#[test]
fn page_tokens_belong_to_one_query() {
    let session = with_events(3);
    let page = session.list("maxResults=1");
    let next = page["nextPageToken"].as_str().unwrap();
    assert_eq!(
        session
            .get(&format!("{EVENTS}?maxResults=1&pageToken={next}"))
            .status,
        200
    );
    for query in ["maxResults=2", "maxResults=1&showDeleted=true", ""] {
        let reply = session.get(&format!("{EVENTS}?{query}&pageToken={next}"));
        assert_eq!(reply.refused(), (400, "invalid".into()), "{query}");
    }
}

#[test]
fn tokens_die() {
    let session = with_events(1);
    let token = session.sync_token();
    let delta = format!("{EVENTS}?syncToken={token}");
    let gone = (410, "fullSyncRequired".to_owned());
    session.sim.snapshot("fresh");
    let fresh = || session.sim.restore("fresh").unwrap();

    assert_eq!(session.get(&delta).status, 200);
    session.sim.advance(SignedDuration::from_hours(24 * 28 + 1));
    let late = session
        .sim
        .sign_in(ADA, &["calendar"])
        .unwrap()
        .access_token;
    let reply = crate::support::send(
        &session.sim.base_url(),
        &format!("GET {delta}"),
        &[("authorization", &format!("Bearer {late}"))],
        b"",
    );
    assert_eq!(reply.refused(), gone);
    assert_eq!(
        reply.message(),
        "Sync token is no longer valid, a full sync is required."
    );

    fresh();
    session.sim.set_role(ADA, "primary", Role::Writer).unwrap();
    assert_eq!(session.get(&delta).refused(), gone);

    fresh();
    session.sim.expire_sync_tokens();
    assert_eq!(session.get(&delta).refused(), gone);
    assert_eq!(session.get(EVENTS).status, 200);

    fresh();
    session.delete(&format!("{EVENTS}/event00"));
    session.sim.advance(SignedDuration::from_secs(10));
    session.sim.purge(SignedDuration::from_secs(5));
    assert_eq!(session.get(&delta).refused(), gone);
    assert_eq!(session.get(&format!("{EVENTS}/event00")).status, 404);

    fresh();
    let garbage = format!("{EVENTS}?syncToken=CPDAlvWDx70CEPDAlvWDx70CGAU");
    assert_eq!(session.get(&garbage).refused(), gone);
    session
        .sim
        .knobs(|knobs| knobs.malformed_token = MalformedToken::BadRequest);
    let reply = session.get(&garbage);
    assert_eq!(reply.refused(), (400, "invalid".into()));
    assert_eq!(reply.message(), "Invalid sync token value.");
}

#[test]
fn tokens_of_other_calendars_and_collections_are_dead() {
    let account = AccountConfig::new(ADA).calendar(CalendarConfig::new("team@x", "Team"));
    let session = Session::with(GoogleSimConfig::default().accounts([account]));
    let token = session.sync_token();
    let reply = session.get(&format!(
        "/calendar/v3/calendars/team%40x/events?syncToken={token}"
    ));
    assert_eq!(reply.refused().0, 410);
    let reply = session.get(&format!(
        "/calendar/v3/users/me/calendarList?syncToken={token}"
    ));
    assert_eq!(reply.refused().0, 410);
}

#[test]
fn a_windowed_first_list() {
    for (knob, expected) in [(WindowedDelta::Unfiltered, 2), (WindowedDelta::Filtered, 1)] {
        let session = Session::knobs(|knobs| knobs.windowed_delta = knob);
        session.insert(&event(0));
        let page = session.list("timeMin=2026-12-01T00:00:00Z");
        assert_eq!(page["items"], json!([]));
        let token = page["nextSyncToken"].as_str().unwrap();
        session
            .patch(
                &format!("{EVENTS}/event00"),
                &json!({"summary": "still in November"}),
            )
            .ok();
        session.insert(&json!({"start": {"date": "2026-12-24"}, "end": {"date": "2026-12-25"}}));
        assert_eq!(session.ids(&format!("syncToken={token}")).len(), expected);
        // Deletions come in either case.
        session.delete(&format!("{EVENTS}/event00"));
        assert_eq!(session.ids(&format!("syncToken={token}")).len(), 2);
    }
}

#[test]
fn who_sees_deleted_events() {
    let session = Session::new();
    session.insert(&event(0));
    session.insert(&weekly());
    session.delete(&format!("{EVENTS}/event00"));
    session.delete(&format!("{EVENTS}/{SERIES}_20261116T090000Z"));
    let hole = format!("{SERIES}_20261116T090000Z");
    for (query, count, has_single, has_hole) in [
        ("", 2, false, true),
        ("showDeleted=true", 3, true, true),
        ("singleEvents=true", 9, false, false),
        ("singleEvents=true&showDeleted=true", 11, true, true),
        ("updatedMin=2026-11-01T00:00:00Z", 3, true, true),
    ] {
        let found = session.ids(query);
        assert_eq!(found.len(), count, "{query}");
        assert_eq!(found.contains(&"event00".to_owned()), has_single, "{query}");
        assert_eq!(found.contains(&hole), has_hole, "{query}");
    }
    // A deleted series shows no master among single events.
    session.delete(&format!("{EVENTS}/{SERIES}"));
    assert!(
        !session
            .ids("singleEvents=true&showDeleted=true")
            .contains(&SERIES.to_owned())
    );
}

#[test]
fn a_single_events_delta_floods() {
    let session = Session::new();
    session.insert(&weekly());
    let token = session.list("singleEvents=true")["nextSyncToken"]
        .as_str()
        .unwrap()
        .to_owned();
    session
        .patch(&format!("{EVENTS}/{SERIES}"), &json!({"summary": "x"}))
        .ok();
    let query = format!("singleEvents=true&syncToken={token}");
    assert_eq!(session.ids(&query).len(), 10);
    session.delete(&format!("{EVENTS}/{SERIES}"));
    let page = session.list(&query);
    assert!(
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["status"] == "cancelled")
    );
}

#[test]
fn filters_and_orders() {
    let session = Session::new();
    session.insert(&plus(
        timed(),
        &json!({"id": "later", "summary": "Green tea",
        "extendedProperties": {"private": {"uid": "1"}, "shared": {"s": "2"}}}),
    ));
    session.insert(&plus(
        all_day(),
        &json!({"id": "first", "location": "Green hall"}),
    ));
    session.insert(&weekly());
    for (query, expected) in [
        ("q=green", vec!["first", "later"]),
        ("q=hall", vec!["first"]),
        ("iCalUID=later@google.com", vec!["later"]),
        ("privateExtendedProperty=uid%3D1", vec!["later"]),
        (
            "privateExtendedProperty=uid%3D1&sharedExtendedProperty=s%3D3",
            vec![],
        ),
        ("eventTypes=birthday", vec![]),
        // The all-day event ends at midnight in Berlin, 23:00Z: exclusive bounds.
        ("timeMin=2026-11-09T23:00:00Z", vec![SERIES]),
        ("timeMax=2026-11-08T23:00:00Z", vec![]),
        ("timeMax=2026-11-08T23:00:01Z", vec!["first"]),
        ("timeMin=2027-01-11T10:00:00Z", vec![]),
    ] {
        assert_eq!(session.ids(query), expected, "{query}");
    }
    let order = |query: &str| -> Vec<String> {
        let page = session.list(query);
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(order("orderBy=updated"), ["later", "first", SERIES]);
    let starts = order("singleEvents=true&orderBy=startTime&timeMax=2026-11-10T00:00:00Z");
    assert_eq!(starts, ["first", "later", "series_20261109T090000Z"]);
}

/// Whatever happens in a calendar, a mirror that only applies deltas ends up
/// with what a full list shows.
#[test]
fn deltas_add_up_to_the_full_list() {
    use rand::{Rng as _, SeedableRng as _};
    use std::collections::BTreeMap;

    let mut live = 0;
    for seed in 0..6 {
        let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let session = Session::knobs(|knobs| {
            knobs.page_cap = 3;
            knobs.touch_exceptions = seed % 2 == 0;
            knobs.cascade_tombstones = simulators::google::CascadeTombstones::All;
            knobs.exception_policy = match seed % 3 {
                0 => simulators::google::ExceptionPolicy::Keep,
                1 => simulators::google::ExceptionPolicy::Drop,
                _ => simulators::google::ExceptionPolicy::Shift,
            };
        });
        let ada = session.sim.as_user(ADA);
        let mut mirror: BTreeMap<String, serde_json::Value> = BTreeMap::new();
        let mut token: Option<String> = None;
        for _ in 0..12 {
            for _ in 0..6 {
                // What cannot be done is no matter: the state is what counts.
                let id = format!("event{:02}", dice.random_range(0..8));
                let week = jiff::civil::date(2026, 11, 9)
                    + jiff::Span::new().days(7 * dice.random_range(0..10));
                let instance = format!("{id}_{}T090000Z", week.strftime("%Y%m%d"));
                let hour = dice.random_range(9..15);
                let times = json!({
                    "start": {"dateTime": format!("2026-11-09T{hour:02}:00:00+01:00")},
                    "end": {"dateTime": format!("2026-11-09T{:02}:00:00+01:00", hour + 1)},
                });
                let text = json!({"summary": format!("{}", dice.random_range(0..9))});
                let _ = match dice.random_range(0..8) {
                    0 | 1 => ada
                        .insert("primary", plus(weekly(), &json!({"id": id})))
                        .map(drop),
                    2 => ada
                        .insert("primary", plus(timed(), &json!({"id": id})))
                        .map(drop),
                    3 => ada.patch("primary", &id, text).map(drop),
                    4 => ada.patch("primary", &instance, text).map(drop),
                    5 => ada.delete("primary", &instance),
                    6 => ada.patch("primary", &id, times).map(drop),
                    _ if dice.random_bool(0.5) => ada.delete("primary", &id),
                    _ => ada
                        .patch("primary", &id, json!({"status": "confirmed"}))
                        .map(drop),
                };
            }
            let query = token
                .as_ref()
                .map_or(String::new(), |token| format!("syncToken={token}"));
            let mut next: Option<String> = None;
            loop {
                let more = next
                    .map(|next| format!("&pageToken={next}"))
                    .unwrap_or_default();
                let page = session.list(&format!("{query}{more}"));
                for item in page["items"].as_array().unwrap() {
                    mirror.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
                }
                next = page["nextPageToken"].as_str().map(str::to_owned);
                if next.is_none() {
                    token = page["nextSyncToken"].as_str().map(str::to_owned);
                    break;
                }
            }
            let mut full = BTreeMap::new();
            let mut next: Option<String> = None;
            loop {
                let more = next
                    .map(|next| format!("&pageToken={next}"))
                    .unwrap_or_default();
                let page = session.list(&format!("showDeleted=true{more}"));
                for item in page["items"].as_array().unwrap() {
                    full.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
                }
                next = page["nextPageToken"].as_str().map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
            // Tombstones from before the first sync were never told.
            mirror.retain(|_, item| item["status"] != "cancelled");
            full.retain(|_, item| item["status"] != "cancelled");
            assert_eq!(mirror, full, "seed {seed}");
            live += full.len();
        }
    }
    assert!(live > 100, "the walk never got anywhere: {live}");
}
