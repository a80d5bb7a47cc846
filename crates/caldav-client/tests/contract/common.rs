//! What all tests of the contract start from.

use std::collections::BTreeMap;
use std::time::Duration;

use caldav_client::{Account, Calendar, CalendarFacts, Credentials, Error, Pacing, Profile};
use jiff::Timestamp;
use outbound::{Client, Policy};
use simulators::caldav::{CaldavSim, CaldavSimConfig, Quirks};
use sync_engine::identity::{OriginTag, PairKey};
use sync_engine::model::time::{Date, When};
use sync_engine::model::{
    Caldav, CalendarId, ComponentKey, Cursor, Etag, Field, Fields, ResourceId, Series, Text, Uid,
};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::ports::{
    Change, ComponentChange, Create, Listed, Listing, Remove, Resource, SidePort as _, Target,
    Update, Written,
};
use sync_engine::projection::Projected;

/// The moment all runs begin.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub(crate) fn hours_later(hours: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_hours(hours)
}

/// Quick, so that nobody waits for backoff.
pub(crate) fn pacing() -> Pacing {
    Pacing {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(4),
        patience: Duration::from_secs(2),
        ..Pacing::default()
    }
}

pub(crate) fn client() -> Client {
    Client::new(Policy::caldav()).unwrap()
}

pub(crate) fn account_with(address: &str, password: &str, profile: Profile) -> Account {
    let credentials = Credentials {
        username: "alice".to_owned(),
        password: password.to_owned().into(),
    };
    Account::new(&client(), address, credentials, profile, pacing()).unwrap()
}

pub(crate) fn account(address: &str) -> Account {
    account_with(address, "alicepw", Profile::default())
}

/// A simulator with these quirks, with alice's calendar `work`.
pub(crate) fn sim_with(quirks: Quirks) -> CaldavSim {
    CaldavSim::start(CaldavSimConfig {
        quirks,
        ..CaldavSimConfig::default()
    })
    .unwrap()
}

pub(crate) fn sim(change: impl FnOnce(&mut Quirks)) -> CaldavSim {
    let mut quirks = Quirks::default();
    change(&mut quirks);
    sim_with(quirks)
}

/// Alice's account and its calendar `work`, discovered.
pub(crate) async fn opened(sim: &CaldavSim) -> (Account, Calendar) {
    let account = account(sim.url());
    let facts = work(&account).await;
    let calendar = account.open(&facts, now()).unwrap();
    sim.clear_log();
    (account, calendar)
}

pub(crate) async fn work(account: &Account) -> CalendarFacts {
    let found = account.discover().await.unwrap();
    found
        .calendars
        .into_iter()
        .find(|calendar| calendar.url.as_str().ends_with("/work/"))
        .unwrap()
}

/// The same calendar, in a run that begins so many hours later.
pub(crate) async fn reopened(account: &Account, hours: i64) -> Calendar {
    let facts = work(account).await;
    account.open(&facts, hours_later(hours)).unwrap()
}

/// A single event.
pub(crate) fn ics(uid: &str, title: &str) -> String {
    event(uid, &format!("SUMMARY:{title}\r\n"))
}

/// A single event with these further lines.
pub(crate) fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261101T000000Z\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\n{lines}\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub(crate) fn todo(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTODO\r\nUID:{uid}\r\n\
         DTSTAMP:20261101T000000Z\r\nSUMMARY:Task\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    )
}

pub(crate) fn series(title: &str) -> Series {
    let day = |day| Date::new(2026, 12, day).unwrap();
    Series::single(Fields::new(title, When::all_day(day(1), Some(day(2)))))
}

pub(crate) fn projected(series: &Series) -> Projected {
    serde_json::from_value(serde_json::to_value(series).unwrap()).unwrap()
}

/// The creation of the copy of `uid`.
pub(crate) fn create(uid: &str, title: &str) -> Create {
    let pair = PairKey::new(
        &CalendarId::new("https://dav.example/work/"),
        &CalendarId::new("alice@example.com"),
    );
    let uid = Uid::new(uid);
    Create {
        tag: OriginTag::new(&pair, &uid, None, 0),
        source_uid: Some(uid),
        series: projected(&series(title)),
        revive: false,
        default_reminders: false,
    }
}

pub(crate) fn resource(observation: &Observation<Caldav>) -> Resource<Caldav> {
    Resource {
        id: observation.resource.clone(),
        etag: observation.etag.clone(),
        note: observation.note.clone(),
    }
}

/// A change of the title.
pub(crate) fn retitle(observation: &Observation<Caldav>, title: &str) -> Update<Caldav> {
    let mut wanted = said(observation).clone();
    wanted.master.as_mut().unwrap().title = Text::new(title);
    Update {
        target: Target::Stored(resource(observation)),
        series: projected(&wanted),
        changes: vec![ComponentChange {
            key: ComponentKey::Master,
            change: Change::Set([Field::Title].into()),
        }],
        tag: None,
    }
}

pub(crate) fn removal(observation: &Observation<Caldav>) -> Remove<Caldav> {
    Remove {
        resource: resource(observation),
        attending: false,
    }
}

pub(crate) fn said(observation: &Observation<Caldav>) -> &Series {
    match &observation.content {
        Content::Series(series) => series,
        Content::Exception { .. } => panic!("CalDAV keeps series whole"),
    }
}

pub(crate) fn title(observation: &Observation<Caldav>) -> &str {
    said(observation).master.as_ref().unwrap().title.as_str()
}

/// What a listing says, by the last segment of each name: `gone`, `foreign`, `unreadable`, or the
/// ETag.
pub(crate) fn lines(listing: &Listing<Caldav>) -> BTreeMap<String, String> {
    listing
        .items
        .iter()
        .map(|item| match item {
            Listed::Seen(seen) => (last(seen.resource()), kind(seen).to_owned()),
            Listed::Version { resource, etag } => (
                last(resource),
                etag.as_ref().map_or("none", Etag::as_str).to_owned(),
            ),
        })
        .collect()
}

pub(crate) fn names(listing: &Listing<Caldav>) -> Vec<String> {
    lines(listing).into_keys().collect()
}

pub(crate) fn kind(seen: &Seen<Caldav>) -> &'static str {
    match seen {
        Seen::Present(_) => "present",
        Seen::Unreadable { .. } => "unreadable",
        Seen::Foreign { .. } => "foreign",
        Seen::Gone { .. } => "gone",
    }
}

pub(crate) fn last(id: &ResourceId<Caldav>) -> String {
    id.as_str().rsplit('/').next().unwrap().to_owned()
}

/// Everything in the calendar, fetched: kind by name.
pub(crate) async fn everything(calendar: &Calendar) -> BTreeMap<String, Seen<Caldav>> {
    let listing = calendar.list(None).await.unwrap();
    fetched(calendar, &listing).await
}

/// What a listing names, fetched.
pub(crate) async fn fetched(
    calendar: &Calendar,
    listing: &Listing<Caldav>,
) -> BTreeMap<String, Seen<Caldav>> {
    let ids: Vec<_> = listing
        .items
        .iter()
        .filter_map(|item| match item {
            Listed::Version { resource, .. } => Some(resource.clone()),
            Listed::Seen(_) => None,
        })
        .collect();
    let seen = calendar.fetch(&ids).await.unwrap();
    assert_eq!(seen.len(), ids.len(), "each is answered once");
    seen.into_iter()
        .map(|seen| (last(seen.resource()), seen))
        .collect()
}

/// One resource that is there.
pub(crate) async fn observed(calendar: &Calendar, name: &str) -> Observation<Caldav> {
    match everything(calendar).await.remove(name) {
        Some(Seen::Present(observation)) => *observation,
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) async fn cursor(calendar: &Calendar) -> Cursor<Caldav> {
    calendar.list(None).await.unwrap().cursor.unwrap()
}

pub(crate) fn done(written: Written<Caldav>) -> Observation<Caldav> {
    match written {
        Written::Done(observation) => *observation,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn stale(written: Written<Caldav>) -> Seen<Caldav> {
    match written {
        Written::Stale { now } => *now,
        other => panic!("not stale: {other:?}"),
    }
}

pub(crate) fn reason(error: &Error) -> String {
    format!("{}: {error} {}", error.code(), error.action())
}
