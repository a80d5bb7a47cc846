//! What both sides show, occurrence by occurrence: CalDAV by the engine's expansion, Google by its
//! own.

use std::collections::{BTreeMap, BTreeSet};

use gcal_client::event::text;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;
use simulators::google::DEFAULT_ACCOUNT;
use sync_engine::model::{Fields, Status, Transparency, When, ZoneName};
use sync_engine::recurrence::{Limits, series_occurrences};

use super::world::Both;

/// One occurrence's core fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shown {
    start: String,
    end: String,
    title: String,
    description: String,
    location: String,
    free: bool,
    tentative: bool,
}

/// What is shown, and how often.
pub(crate) type All = BTreeMap<Shown, usize>;

/// What need not be equal, by its name on each side, and why.
#[derive(Debug, Default)]
pub(crate) struct Excused {
    pub(crate) caldav: BTreeSet<String>,
    pub(crate) google: BTreeSet<String>,
    pub(crate) why: BTreeMap<&'static str, usize>,
}

impl Excused {
    /// Nothing is.
    pub(crate) fn nothing(&self) -> bool {
        self.why.is_empty()
    }

    fn add(&mut self, why: &'static str) {
        *self.why.entry(why).or_default() += 1;
    }
}

fn is_read_only(event: &Value) -> bool {
    let kind = event["eventType"].as_str().unwrap_or("default");
    let organizer = event["organizer"]["email"].as_str();
    kind != "default"
        || event["locked"] == true
        || organizer.is_some_and(|email| email != DEFAULT_ACCOUNT)
}

fn has_guests(event: &Value) -> bool {
    let guests = event["attendees"].as_array().into_iter().flatten();
    guests
        .filter_map(|guest| guest["email"].as_str())
        .any(|email| email != DEFAULT_ACCOUNT)
}

fn is_declined(event: &Value) -> bool {
    let guests = event["attendees"].as_array().into_iter().flatten();
    guests
        .filter(|guest| guest["email"] == DEFAULT_ACCOUNT)
        .any(|guest| guest["responseStatus"] == "declined")
}

impl Both {
    fn window(&self) -> (Timestamp, Timestamp) {
        // From noon to noon: what a whole day is at its edges, each side sees its own way. And not
        // at a full hour, where events without length are.
        let today = self.world.sim.now().to_zoned(TimeZone::UTC).date();
        let noon = |date: Date| TimeZone::UTC.to_timestamp(date.at(12, 30, 0, 0)).unwrap();
        (noon(today + 1.day()), noon(today + 27.days()))
    }

    /// What the semantics allow to differ.
    pub(crate) fn excused(&self) -> Excused {
        let mut excused = Excused::default();
        for event in self.google_events() {
            let id = event["recurringEventId"]
                .as_str()
                .or_else(|| event["id"].as_str())
                .unwrap();
            let kind = event["eventType"].as_str().unwrap_or("default");
            let why = if matches!(kind, "birthday" | "workingLocation") {
                Some("ignored")
            } else if has_guests(&event) && !self.towards_caldav() {
                Some("has_guests")
            } else if is_read_only(&event) && !self.towards_caldav() {
                Some("read_only")
            } else {
                None
            };
            if let Some(why) = why {
                excused.google.insert(id.to_owned());
                excused.add(why);
            }
        }
        for row in self.store.rows_of(&self.mapping.id) {
            // What Google refuses of one event is that event's, and shown with its reason.
            let refused = ["occurrence_not_restorable", "google_cannot_hold"]
                .into_iter()
                .find(|code| {
                    row.setbacks
                        .iter()
                        .any(|(_, setback)| setback.code == *code)
                });
            if let Some(code) = refused {
                excused.add(code);
            }
            // What waits for a person differs until then.
            let open = !row.open.is_empty();
            if open {
                excused.add("manual");
            }
            let refused = refused.is_some() || open;
            let (Some(caldav), Some(google)) = (&row.links.caldav, &row.links.google) else {
                continue;
            };
            let hit = google
                .keys
                .iter()
                .any(|key| excused.google.contains(key.as_str()));
            if refused || hit {
                let keys = google.keys.iter().map(|key| key.as_str().to_owned());
                excused.google.extend(keys);
                // By UID: it may have moved to another place since.
                let is_it = |name: &String| {
                    let uid = self.dav.uid(name).unwrap_or_default();
                    caldav.keys.iter().any(|key| key.as_str() == uid)
                };
                excused
                    .caldav
                    .extend(self.dav.all().into_keys().filter(is_it));
            }
        }
        excused
    }

    /// Whether texts are not compared: a rule keeps them from crossing.
    fn texts_differ(&self) -> bool {
        self.mapping.hides_texts()
    }

    fn made(&self, start: String, end: String, fields: (&str, &str, &str), free: bool) -> Shown {
        let (title, description, location) = if self.texts_differ() {
            ("", "", "")
        } else {
            fields
        };
        Shown {
            start,
            end,
            title: title.to_owned(),
            description: description.to_owned(),
            location: location.to_owned(),
            free,
            tentative: false,
        }
    }

    pub(crate) fn caldav_shows(&self, excused: &Excused) -> All {
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let mut out = All::new();
        for (name, series) in self.dav.all() {
            let left_alone = self.towards_caldav() && !name.starts_with("cds1");
            let off = series
                .master
                .as_ref()
                .is_some_and(|master| master.status == Status::Cancelled);
            if off || left_alone || excused.caldav.contains(&name) {
                continue;
            }
            let shown = series_occurrences(&series, &berlin, self.window(), &Limits::default());
            let takes_place = |fields: &Fields| fields.status != Status::Cancelled;
            for item in shown.items.iter().filter(|item| takes_place(item.fields)) {
                let (start, end) = match &item.when {
                    When::AllDay { start, end } => (start.to_string(), end.to_string()),
                    timed @ When::Timed { .. } => {
                        let (start, end) = timed.instants(&berlin);
                        (start.to_string(), end.to_string())
                    }
                };
                let fields = item.fields;
                let texts = (
                    fields.title.as_str(),
                    fields.description.as_str(),
                    fields.location.as_str(),
                );
                let free = fields.transparency == Transparency::Free;
                let mut shown = self.made(start, end, texts, free);
                shown.tentative = fields.status == Status::Tentative;
                *out.entry(shown).or_default() += 1;
            }
        }
        out
    }

    pub(crate) fn google_shows(&self, excused: &Excused) -> All {
        let (from, to) = self.window();
        let (from, to) = (from.to_string(), to.to_string());
        let query = [
            ("singleEvents", "true"),
            ("maxResults", "2500"),
            ("timeMin", &*from),
            ("timeMax", &*to),
        ];
        self.world.sim.knobs(|knobs| knobs.page_cap = 2500);
        let person = self.world.sim.as_user(DEFAULT_ACCOUNT);
        let list = person.list(DEFAULT_ACCOUNT, &query).unwrap();
        assert!(list["nextPageToken"].is_null());
        let mut out = All::new();
        for item in list["items"].as_array().unwrap() {
            let id = item["recurringEventId"]
                .as_str()
                .or_else(|| item["id"].as_str())
                .unwrap();
            let left_alone = self.towards_google() && !id.starts_with("cds1");
            if left_alone || excused.google.contains(id) {
                continue;
            }
            let edge = |name: &str| match item[name]["dateTime"].as_str() {
                Some(time) => time.parse::<Timestamp>().unwrap().to_string(),
                None => item[name]["date"].as_str().unwrap().to_owned(),
            };
            let word = |name: &str| item[name].as_str().unwrap_or_default();
            let description = text::read(word("description"));
            let texts = (word("summary"), description.as_str(), word("location"));
            let free = item["transparency"] == "transparent" || is_declined(item);
            let mut shown = self.made(edge("start"), edge("end"), texts, free);
            shown.tentative = item["status"] == "tentative";
            *out.entry(shown).or_default() += 1;
        }
        out
    }
}
