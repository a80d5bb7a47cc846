//! Calendars, the calendar list, settings, colours, free/busy.

use serde_json::json;
use simulators::google::{AccountConfig, CalendarConfig, GoogleSimConfig, Role};

use crate::support::{ADA, EVENTS, Session, ids, plus, timed, weekly};

const LIST: &str = "/calendar/v3/users/me/calendarList";
const CALENDARS: &str = "/calendar/v3/calendars";

fn session() -> Session {
    let account = AccountConfig::new(ADA)
        .calendar(CalendarConfig::new("team@x", "Team").time_zone("America/New_York"))
        .calendar(CalendarConfig::new("holidays#y", "Holidays").role(Role::Reader));
    Session::with(GoogleSimConfig::default().accounts([account]))
}

#[test]
fn the_list_has_what_a_client_needs() {
    let session = session();
    let page = session.get(LIST).ok();
    assert_eq!(ids(&page), [ADA, "holidays#y", "team@x"]);
    let entry = session.get(&format!("{LIST}/team%40x")).ok();
    for (field, value) in [
        ("summary", "Team"),
        ("timeZone", "America/New_York"),
        ("accessRole", "owner"),
        ("backgroundColor", "#9fe1e7"),
    ] {
        assert_eq!(entry[field], value);
    }
    assert!(entry.get("primary").is_none());
    assert_eq!(
        session.get(&format!("{LIST}/primary")).ok()["primary"],
        true
    );
    assert_eq!(
        session.get(&format!("{LIST}/holidays%23y")).ok()["accessRole"],
        "reader"
    );
    let writable = session.get(&format!("{LIST}?minAccessRole=writer")).ok();
    assert_eq!(ids(&writable), [ADA, "team@x"]);
    assert!(writable.get("nextSyncToken").is_none());
    let first = session.get(&format!("{LIST}?maxResults=2")).ok();
    let next = first["nextPageToken"].as_str().unwrap();
    assert_eq!(
        ids(&session
            .get(&format!("{LIST}?maxResults=2&pageToken={next}"))
            .ok())
        .len(),
        1
    );
}

#[test]
fn the_list_syncs() {
    let session = session();
    let token = session.get(LIST).ok()["nextSyncToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let delta = format!("{LIST}?syncToken={token}");
    assert_eq!(session.get(&delta).ok()["items"], json!([]));
    session
        .patch(
            &format!("{LIST}/team%40x"),
            &json!({"summaryOverride": "Mine", "hidden": true}),
        )
        .ok();
    session.delete(&format!("{LIST}/holidays%23y"));
    let page = session.get(&delta).ok();
    assert_eq!(ids(&page), ["holidays#y", "team@x"]);
    assert_eq!(page["items"][0]["deleted"], true);
    assert_eq!(page["items"][1]["hidden"], true);
    assert_eq!(ids(&session.get(LIST).ok()), [ADA]);
    assert_eq!(
        ids(&session
            .get(&format!("{LIST}?showHidden=true&showDeleted=true"))
            .ok())
        .len(),
        3
    );
    for query in [
        "minAccessRole=writer",
        "showOwnOrganizationOnly=true",
        "maxResults=5",
    ] {
        assert_eq!(
            session.get(&format!("{delta}&{query}")).refused().0,
            400,
            "{query}"
        );
    }
    session.sim.expire_sync_tokens();
    assert_eq!(
        session.get(&delta).refused(),
        (410, "fullSyncRequired".into())
    );
    assert_eq!(session.delete(&format!("{LIST}/primary")).refused().0, 403);
    session.post(LIST, &json!({"id": "holidays#y"})).ok();
    assert_eq!(session.get(&format!("{LIST}/holidays%23y")).status, 200);
}

#[test]
fn calendars_come_and_go() {
    let session = session();
    let made = session
        .post(
            CALENDARS,
            &json!({"summary": "New", "timeZone": "Asia/Tokyo"}),
        )
        .ok();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("c_") && id.ends_with("@group.calendar.google.com"));
    let path = format!("{CALENDARS}/{}", id.replace('@', "%40"));
    assert_eq!(
        session.post(&format!("{path}/events"), &timed()).status,
        200
    );
    assert_eq!(session.get(&path).ok()["timeZone"], "Asia/Tokyo");
    assert_eq!(
        session.put(&path, &json!({"summary": "Other"})).ok()["summary"],
        "Other"
    );
    assert_eq!(
        session.put(&path, &json!({"location": "x"})).refused(),
        (400, "required".into())
    );
    assert_eq!(
        session
            .patch(&path, &json!({"timeZone": "Nowhere"}))
            .refused()
            .0,
        400
    );
    assert_eq!(
        session.post(CALENDARS, &json!({})).refused(),
        (400, "required".into())
    );
    assert_eq!(
        session
            .call(&format!("POST {path}/clear"), &[], None)
            .refused()
            .0,
        400
    );
    assert_eq!(session.delete(&path).status, 204);
    assert_eq!(session.get(&path).refused().0, 404);
    assert_eq!(
        session.delete(&format!("{CALENDARS}/primary")).refused().0,
        403
    );
    assert_eq!(
        session
            .patch(
                &format!("{CALENDARS}/holidays%23y"),
                &json!({"summary": "x"})
            )
            .refused()
            .0,
        403
    );
    session.insert(&timed());
    let token = session.sync_token();
    assert_eq!(
        session
            .call(&format!("POST {CALENDARS}/primary/clear"), &[], None)
            .status,
        204
    );
    assert!(session.ids("").is_empty());
    assert_eq!(session.ids(&format!("syncToken={token}")).len(), 1);
}

#[test]
fn settings_colours_and_free_busy() {
    let session = session();
    let settings = session.get("/calendar/v3/users/me/settings").ok();
    assert!(ids(&settings).contains(&"timezone".to_owned()));
    assert_eq!(
        session.get("/calendar/v3/users/me/settings/timezone").ok()["value"],
        "Europe/Berlin"
    );
    assert_eq!(
        session
            .get("/calendar/v3/users/me/settings/none")
            .refused()
            .0,
        404
    );
    assert_eq!(
        session.get("/calendar/v3/colors").ok()["event"]
            .as_object()
            .unwrap()
            .len(),
        11
    );
    session.insert(&weekly());
    session.insert(&plus(timed(), &json!({"start": {"dateTime": "2026-11-09T10:30:00+01:00"}, "end": {"dateTime": "2026-11-09T12:00:00+01:00"}})));
    session.insert(&plus(timed(), &json!({"start": {"dateTime": "2026-11-10T10:30:00+01:00"}, "end": {"dateTime": "2026-11-10T12:00:00+01:00"}, "transparency": "transparent"})));
    session.delete(&format!("{EVENTS}/series_20261116T090000Z"));
    let answer = session
        .post(
            "/calendar/v3/freeBusy",
            &json!({
                "timeMin": "2026-11-09T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z",
                "items": [{"id": "primary"}, {"id": "nobody@x"}],
            }),
        )
        .ok();
    assert_eq!(
        answer["calendars"]["primary"]["busy"],
        json!([
            {"start": "2026-11-09T09:00:00Z", "end": "2026-11-09T11:00:00Z"},
            {"start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"},
        ])
    );
    assert_eq!(
        answer["calendars"]["nobody@x"]["errors"][0]["reason"],
        "notFound"
    );
}
