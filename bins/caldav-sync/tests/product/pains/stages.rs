//! A stage with a calendar of the small CalDAV server mapped to Google, and objects in lines.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use simulators::google::Knobs;

use crate::common::{ACCOUNT, Stage, TARGET};

/// Where the walls of these tests hang.
pub(super) const ZONE: &str = "Europe/Berlin";

/// Everything, mapped and signed in.
pub(super) struct Scene {
    pub(super) source: CaldavSim,
    pub(super) stage: Stage,
    pub(super) mapping: String,
}

impl Scene {
    pub(super) async fn new(settings: &Value) -> Self {
        let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
        let stage = Stage::start();
        let account = stage.add_caldav(source.url()).await;
        stage.sign_in().await;
        let mapping = stage.map(&account, "work", settings).await;
        // The run that a new mapping begins by itself.
        stage.api().sync_well(&mapping).await;
        Self {
            source,
            stage,
            mapping,
        }
    }

    /// A person stores an object on the CalDAV side.
    pub(super) fn put(&self, name: &str, text: &str) {
        self.source
            .put("alice", "work", &format!("{name}.ics"), text);
    }

    /// A run that must succeed.
    pub(super) async fn sync(&self) -> Value {
        self.stage.api().sync_well(&self.mapping).await
    }

    /// A run that must write nothing on either side.
    pub(super) async fn quiet(&self) {
        self.source.clear_log();
        self.stage.google.clear_log();
        let run = self.sync().await;
        assert_eq!(self.source.writes(), 0, "{run:#}");
        let writes = self.stage.google.counts().writes;
        assert!(writes.is_empty(), "{writes:?} {run:#}");
    }

    /// Google's own agenda of the coming year: start and title of each occurrence.
    pub(super) fn agenda(&self) -> Vec<(String, String)> {
        let now = Timestamp::now();
        let to = now.checked_add((24 * 365).hours()).unwrap().to_string();
        let now = now.to_string();
        let query = [
            ("singleEvents", "true"),
            ("timeMin", now.as_str()),
            ("timeMax", to.as_str()),
            ("maxResults", "2500"),
        ];
        let person = self.stage.google.as_user(ACCOUNT);
        let listed = person.list(TARGET, &query).unwrap();
        let items = listed["items"].as_array().unwrap().iter();
        items
            .map(|item| {
                let start = match item["start"]["dateTime"].as_str() {
                    Some(moment) => moment.parse::<Timestamp>().unwrap().to_string(),
                    None => item["start"]["date"].as_str().unwrap().to_owned(),
                };
                let title = item["summary"].as_str().unwrap_or_default();
                (start, title.to_owned())
            })
            .collect()
    }

    /// The event or master at Google with this title.
    pub(super) fn copy(&self, title: &str) -> Value {
        let events = self.stage.events();
        let found = events.iter().find(|event| {
            event["status"] != "cancelled"
                && event.get("recurringEventId").is_none()
                && event["summary"] == title
        });
        found
            .unwrap_or_else(|| panic!("no {title} in {events:#?}"))
            .clone()
    }

    /// Changes what the simulated Google is like.
    pub(super) fn knobs(&self, change: impl FnOnce(&mut Knobs)) {
        self.stage.google.knobs(change);
    }

    /// A person at Google changes "this and all following": the master is cut after `kept`
    /// occurrences, a new series with everything copied goes on for `more`.
    pub(super) fn this_and_following(&self, title: &str, first: DateTime, kept: i64, more: i64) {
        let person = self.stage.google.as_user(ACCOUNT);
        let copy = self.copy(title);
        let cut = first.checked_add(kept.days()).unwrap();
        let moment = cut.in_tz(ZONE).unwrap().timestamp();
        let until = moment.checked_sub(1.second()).unwrap();
        let until = until
            .strftime("RRULE:FREQ=DAILY;UNTIL=%Y%m%dT%H%M%SZ")
            .to_string();
        let id = copy["id"].as_str().unwrap();
        person
            .patch(TARGET, id, json!({ "recurrence": [until] }))
            .unwrap();
        let time = |wall: DateTime| {
            let at = wall.in_tz(ZONE).unwrap().timestamp().to_string();
            json!({ "dateTime": at, "timeZone": ZONE })
        };
        let tail = json!({
            "id": format!("{id}_R{}", moment.strftime("%Y%m%dT%H%M%S")),
            "summary": title,
            "start": time(cut),
            "end": time(cut.checked_add(1.hour()).unwrap()),
            "recurrence": [format!("RRULE:FREQ=DAILY;COUNT={more}")],
            "extendedProperties": copy["extendedProperties"],
        });
        person.plant(TARGET, tail).unwrap();
    }
}

/// A day so many days from today, in Berlin.
pub(super) fn day(days: i64) -> Date {
    let today = Timestamp::now().in_tz(ZONE).unwrap().date();
    today.checked_add(days.days()).unwrap()
}

/// A property with a wall time of Berlin.
pub(super) fn at(property: &str, wall: DateTime) -> String {
    format!("{property};TZID={ZONE}:{}", wall.strftime("%Y%m%dT%H%M%S"))
}

/// A property with the same moment in UTC.
pub(super) fn utc(property: &str, wall: DateTime) -> String {
    let moment = wall.in_tz(ZONE).unwrap().timestamp();
    format!("{property}:{}", moment.strftime("%Y%m%dT%H%M%SZ"))
}

/// An object of one component, titled as it is named, with these lines.
pub(super) fn object(name: &str, lines: &[&str]) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:{name}\r\n\
         DTSTAMP:20261101T000000Z\r\nSUMMARY:{name}\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.join("\r\n")
    )
}

/// Two objects of one UID as one.
pub(super) fn joined(master: &str, other: &str) -> String {
    let (head, _) = master.split_once("END:VCALENDAR").unwrap();
    let begin = other.find("BEGIN:VEVENT").unwrap();
    format!("{head}{}", &other[begin..])
}

/// Berlin's rules under another name.
pub(super) fn berlin_as(name: &str) -> String {
    format!(
        "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:19961027T030000\r\n\
         TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n\
         END:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19810329T020000\r\nTZOFFSETFROM:+0100\r\n\
         TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n\
         END:VTIMEZONE\r\n"
    )
}
