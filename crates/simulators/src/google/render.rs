//! Rows as answers: what the reader may see, in the zone he asked for.
//! Reads the state, changes nothing.

use data_encoding::BASE64URL_NOPAD;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::clock::rfc3339_millis;
use super::knobs::Knobs;
use super::series;
use super::state::{Calendar, Role, Row, RowKind};
use super::times::{self, Moment};

/// Who looks, and how.
pub(super) struct View<'a> {
    pub(super) knobs: &'a Knobs,
    pub(super) calendar: &'a Calendar,
    pub(super) account: &'a str,
    pub(super) role: Role,
    /// The zone whose offset `dateTime` values get.
    pub(super) zone: TimeZone,
    pub(super) max_attendees: Option<usize>,
}

/// Fields a reader without access to private events still sees.
const PUBLIC: [&str; 12] = [
    "kind",
    "etag",
    "id",
    "status",
    "start",
    "end",
    "visibility",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "iCalUID",
    "eventType",
];

/// Fields a free/busy reader sees.
const BUSY: [&str; 9] = [
    "kind",
    "etag",
    "id",
    "status",
    "start",
    "end",
    "visibility",
    "recurringEventId",
    "originalStartTime",
];

impl View<'_> {
    /// A stored row.
    pub(super) fn row(&self, row: &Row) -> Value {
        let (recurring, original) = match &row.kind {
            RowKind::Exception { master, original } => (Some(master.as_str()), Some(*original)),
            _ => (None, None),
        };
        let mut out = Map::new();
        out.insert("kind".into(), json!("calendar#event"));
        out.insert("etag".into(), json!(row.etag()));
        out.insert("id".into(), json!(row.id));
        if let (Some(master), Some(original)) = (recurring, original) {
            out.insert("recurringEventId".into(), json!(master));
            out.insert(
                "originalStartTime".into(),
                self.original(master, original, &row.body),
            );
        }
        if row.cancelled {
            out.insert("status".into(), json!("cancelled"));
            if recurring.is_some() || self.knobs.bare_tombstones {
                return Value::Object(out);
            }
        }
        self.details(row, &mut out);
        if row.cancelled {
            out.insert("status".into(), json!("cancelled"));
        }
        self.strip(out)
    }

    /// The computed instance of `master` at `original`.
    pub(super) fn instance(&self, master: &Row, original: Moment) -> Value {
        self.row(&series::materialise(master, original))
    }

    /// The computed instance, cancelled: how a deleted series shows in
    /// `singleEvents` deltas.
    pub(super) fn gone_instance(&self, master: &Row, original: Moment) -> Value {
        let mut row = series::materialise(master, original);
        row.cancelled = true;
        self.row(&row)
    }

    /// `originalStartTime`, in the master's zone.
    fn original(&self, master: &str, original: Moment, body: &Map<String, Value>) -> Value {
        let zone = self
            .calendar
            .rows
            .get(master)
            .map_or(body, |row| &row.body)
            .get("start")
            .and_then(|start| start.get("timeZone"))
            .and_then(Value::as_str);
        self.time(&times::store(original, zone))
    }

    fn time(&self, stored: &Value) -> Value {
        times::render(stored, &self.zone, &self.calendar.time_zone)
    }

    fn details(&self, row: &Row, out: &mut Map<String, Value>) {
        for (key, value) in &row.body {
            let shown = match key.as_str() {
                "start" | "end" => self.time(value),
                _ => value.clone(),
            };
            out.insert(key.clone(), shown);
        }
        out.entry("status").or_insert_with(|| json!("confirmed"));
        out.entry("eventType").or_insert_with(|| json!("default"));
        out.insert("created".into(), json!(rfc3339_millis(row.created)));
        out.insert("updated".into(), json!(rfc3339_millis(row.updated)));
        let eid = BASE64URL_NOPAD.encode(format!("{} {}", row.id, self.calendar.id).as_bytes());
        out.insert(
            "htmlLink".into(),
            json!(format!("https://www.google.com/calendar/event?eid={eid}")),
        );
        let organizer = row
            .body
            .get("organizer")
            .and_then(|organizer| organizer.get("email"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(organizer) = out.get_mut("organizer") {
            mark_self(organizer, &self.calendar.id);
        }
        if self.calendar.id == self.account
            && let Some(creator) = out.get_mut("creator")
        {
            mark_self(creator, self.account);
        }
        self.attendees(out, organizer);
    }

    fn attendees(&self, out: &mut Map<String, Value>, organizer: &str) {
        let Some(Value::Array(list)) = out.get_mut("attendees") else {
            return;
        };
        for attendee in list.iter_mut() {
            let is_organizer = attendee.get("email").and_then(Value::as_str) == Some(organizer);
            mark_self(attendee, &self.calendar.id);
            if let Some(map) = attendee.as_object_mut().filter(|_| is_organizer) {
                map.insert("organizer".into(), json!(true));
            }
        }
        if let Some(max) = self.max_attendees.filter(|max| list.len() > *max) {
            list.retain(|attendee| attendee.get("self") == Some(&json!(true)));
            list.truncate(max);
            out.insert("attendeesOmitted".into(), json!(true));
        }
    }

    fn strip(&self, mut out: Map<String, Value>) -> Value {
        let visibility = out.get("visibility").and_then(Value::as_str);
        let private = matches!(visibility, Some("private" | "confidential"));
        if self.role == Role::FreeBusyReader {
            out.retain(|key, _| BUSY.contains(&key.as_str()));
            out.insert("visibility".into(), json!("private"));
        } else if private && !self.role.sees_private() {
            out.retain(|key, _| PUBLIC.contains(&key.as_str()));
        }
        Value::Object(out)
    }
}

fn mark_self(person: &mut Value, email: &str) {
    if let Value::Object(map) = person
        && map.get("email").and_then(Value::as_str) == Some(email)
    {
        map.insert("self".into(), json!(true));
    }
}
