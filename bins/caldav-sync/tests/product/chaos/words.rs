//! Events as texts and bodies: what a client writes into an object, what Google wants and shows.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::cast::{Aspect, ZONE};
use super::object::Object;

/// A time zone as clients send it along; its rules hold for the years that matter here.
const BERLIN: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\n\
    TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19700329T020000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\n\
    TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nDTSTART:19701025T030000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// When a new event is, and how it repeats.
pub(super) struct Draft {
    pub(super) start: DateTime,
    pub(super) all_day: bool,
    pub(super) every: i64,
    pub(super) count: i64,
}

pub(super) const fn property(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Title => "SUMMARY",
        Aspect::Place => "LOCATION",
        _ => "DESCRIPTION",
    }
}

pub(super) const fn member(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Title => "summary",
        Aspect::Place => "location",
        _ => "description",
    }
}

pub(super) fn rule(draft: &Draft) -> Option<String> {
    let freq = if draft.every == 7 { "WEEKLY" } else { "DAILY" };
    (draft.every > 0).then(|| format!("RRULE:FREQ={freq};COUNT={}", draft.count))
}

/// The same with an end instead of a count, as Google cuts a series.
pub(super) fn until(draft: &Draft) -> String {
    let freq = if draft.every == 7 { "WEEKLY" } else { "DAILY" };
    let next = (draft.count * draft.every).days();
    let next = draft.start.checked_add(next).unwrap();
    if draft.all_day {
        let last = next.checked_sub(1.day()).unwrap();
        return format!("RRULE:FREQ={freq};UNTIL={}", last.strftime("%Y%m%d"));
    }
    let last = berlin(next).checked_sub(1.second()).unwrap();
    format!(
        "RRULE:FREQ={freq};UNTIL={}",
        last.strftime("%Y%m%dT%H%M%SZ")
    )
}

pub(super) fn object(name: &str, title: &str, draft: &Draft) -> Object {
    let time = |property: &str, at: DateTime| {
        if draft.all_day {
            format!("{property};VALUE=DATE:{}", at.strftime("%Y%m%d"))
        } else {
            format!("{property};TZID={ZONE}:{}", at.strftime("%Y%m%dT%H%M%S"))
        }
    };
    let stop = after(draft.start, draft.all_day);
    let rule = rule(draft).map(|rule| rule + "\r\n").unwrap_or_default();
    Object::parse(&format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//people//EN\r\n{BERLIN}BEGIN:VEVENT\r\n\
         UID:{name}-of-people\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:{title}\r\n{}\r\n{}\r\n{rule}\
         CATEGORIES:Chaos,{name}\r\nX-CHAOS;X-KIND=\"a:b;c\":{name} \\, as it was\r\n\
         X-CHAOS-LONG:{}\r\n  and {}\r\n\
         ORGANIZER;CN=Grace:mailto:grace@example.org\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED;CN=\"Hopper, G.\":mailto:g.hopper@example.org\r\n\
         BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:{name} is near\r\n\
         X-CHAOS-ALARM:{name}\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        time("DTSTART", draft.start),
        time("DTEND", stop),
        "folded".repeat(9),
        "on".repeat(25),
    ))
}

pub(super) fn after(start: DateTime, all_day: bool) -> DateTime {
    let length = if all_day { 1.day() } else { 1.hour() };
    start.checked_add(length).unwrap()
}

pub(super) fn berlin(wall: DateTime) -> Timestamp {
    let zone = TimeZone::get(ZONE).unwrap();
    zone.to_timestamp(wall).unwrap()
}

/// Start and end as Google wants them.
pub(super) fn times(start: DateTime, all_day: bool) -> Value {
    let time = |at: DateTime| {
        if all_day {
            json!({ "date": at.date().to_string() })
        } else {
            json!({ "dateTime": berlin(at).to_string(), "timeZone": ZONE })
        }
    };
    json!({ "start": time(start), "end": time(after(start, all_day)) })
}

/// A Google time as it is in Berlin, or a day's midnight.
pub(super) fn wall(time: &Value) -> Option<DateTime> {
    if let Some(day) = time["date"].as_str() {
        return Some(day.parse::<Date>().ok()?.at(0, 0, 0, 0));
    }
    let at: Timestamp = time["dateTime"].as_str()?.parse().ok()?;
    Some(at.in_tz(ZONE).ok()?.datetime())
}

pub(super) fn shown(start: DateTime, all_day: bool) -> String {
    if all_day {
        start.date().to_string()
    } else {
        berlin(start).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
