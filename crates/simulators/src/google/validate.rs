//! Holds a whole event body against Google's rules and brings it into the form
//! it is stored in. Called by every write with the body that would result.
//!
//! What is normalised: times to UTC (see `times.rs`), empty texts and lists to
//! absent, the defaults `transparency: opaque` and `visibility: default` to
//! absent, missing reminders to `useDefault`, derived fields dropped. Texts are
//! kept letter by letter, HTML in descriptions included.

use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::expand::Series;
use super::knobs::Knobs;
use super::rule;
use super::times::{self, Edge, Length, Moment};

/// Under which conditions a body is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) knobs: &'a Knobs,
    /// An exception may not recur.
    pub(super) exception: bool,
    /// `conferenceDataVersion=1` was sent.
    pub(super) conference: bool,
    /// `supportsAttachments=true` was sent.
    pub(super) attachments: bool,
}

/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 8192;
/// Longest summary and location, in characters.
const LINE_MAX: usize = 1024;

/// Fields the server answers with but never stores from a body.
const DERIVED: [&str; 14] = [
    "kind",
    "etag",
    "htmlLink",
    "created",
    "updated",
    "hangoutLink",
    "locked",
    "recurringEventId",
    "originalStartTime",
    "attendeesOmitted",
    "id",
    "creator",
    "organizer",
    "privateCopy",
];

/// Checks and normalises. The result lacks every field of [`DERIVED`].
pub(super) fn event(
    setting: Setting<'_>,
    mut body: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    for name in DERIVED {
        body.remove(name);
    }
    body.retain(|_, value| !value.is_null());
    let start = span(setting, &mut body)?;
    recurrence(setting, &mut body, start)?;
    texts(&mut body)?;
    choices(setting, &mut body)?;
    properties(&mut body)?;
    reminders(&mut body)?;
    people(&mut body)?;
    if !setting.conference {
        body.remove("conferenceData");
    }
    if !setting.attachments {
        body.remove("attachments");
    }
    Ok(body)
}

fn span(setting: Setting<'_>, body: &mut Map<String, Value>) -> Result<Moment, ApiError> {
    let (start, start_stored) = times::read(Edge::Start, body.get("start"))?;
    let (end, end_stored) = times::read(Edge::End, body.get("end"))?;
    let Some(length) = Length::between(start, end) else {
        return Err(ApiError::invalid("Invalid start time."));
    };
    match length {
        Length::Days(n) if n < 0 => return Err(ApiError::time_range_empty()),
        Length::Days(0) if setting.knobs.strict => return Err(ApiError::time_range_empty()),
        Length::Seconds(n) if n < 0 => return Err(ApiError::time_range_empty()),
        _ => {}
    }
    body.insert("start".into(), Value::Object(start_stored));
    body.insert("end".into(), Value::Object(end_stored));
    Ok(start)
}

fn recurrence(
    setting: Setting<'_>,
    body: &mut Map<String, Value>,
    start: Moment,
) -> Result<(), ApiError> {
    let lines = lines(body);
    if lines.is_empty() {
        body.remove("recurrence");
        return Ok(());
    }
    if setting.exception {
        return Err(ApiError::invalid("Invalid recurrence rule."));
    }
    let zone_of = |edge: &str| {
        body.get(edge)
            .and_then(|time| time.get("timeZone"))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    if !start.is_day() {
        for edge in [Edge::Start, Edge::End] {
            if zone_of(edge.name()).is_none() {
                return Err(ApiError::required(format!(
                    "Missing time zone definition for {} time.",
                    edge.name()
                )));
            }
        }
    }
    let parsed = rule::parse(&lines, start, setting.knobs)?;
    let zone = zone_of("start")
        .and_then(|name| times::zone(&name))
        .unwrap_or(jiff::tz::TimeZone::UTC);
    let series = Series {
        start,
        zone,
        lines: parsed,
    };
    let beside =
        !series.starts_on_rule() || (series.lines.rule.is_none() && series.lines.rdates.is_empty());
    if setting.knobs.strict && beside {
        return Err(ApiError::invalid("Invalid recurrence rule."));
    }
    if setting.knobs.rewrite_rrule {
        let rewritten: Vec<Value> = lines.iter().map(|line| json!(google_order(line))).collect();
        body.insert("recurrence".into(), Value::Array(rewritten));
    }
    Ok(())
}

/// The `recurrence` lines of a body.
pub(super) fn lines(body: &Map<String, Value>) -> Vec<String> {
    body.get("recurrence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect()
}

/// An RRULE in Google's own order of parts, WKST always there.
fn google_order(line: &str) -> String {
    const ORDER: [&str; 13] = [
        "FREQ",
        "WKST",
        "UNTIL",
        "COUNT",
        "INTERVAL",
        "BYSECOND",
        "BYMINUTE",
        "BYHOUR",
        "BYDAY",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYMONTH",
        "BYSETPOS",
    ];
    let Some(text) = line.strip_prefix("RRULE:") else {
        return line.to_owned();
    };
    let mut parts: Vec<&str> = text.split(';').filter(|p| *p != "INTERVAL=1").collect();
    if !parts.iter().any(|part| part.starts_with("WKST=")) {
        parts.push("WKST=MO");
    }
    parts.sort_by_key(|part| {
        let name = part.split('=').next().unwrap_or_default();
        ORDER.iter().position(|p| *p == name).unwrap_or(ORDER.len())
    });
    format!("RRULE:{}", parts.join(";"))
}

fn texts(body: &mut Map<String, Value>) -> Result<(), ApiError> {
    for (name, max) in [
        ("summary", LINE_MAX),
        ("location", LINE_MAX),
        ("description", DESCRIPTION_MAX),
    ] {
        let length = body
            .get(name)
            .and_then(Value::as_str)
            .map_or(0, |text| text.chars().count());
        if length > max {
            return Err(ApiError::invalid(format!("The {name} is too long.")));
        }
        if length == 0 {
            body.remove(name);
        }
    }
    Ok(())
}

fn choices(setting: Setting<'_>, body: &mut Map<String, Value>) -> Result<(), ApiError> {
    for (name, values, default) in [
        ("transparency", &["opaque", "transparent"][..], "opaque"),
        (
            "visibility",
            &["default", "public", "private", "confidential"][..],
            "default",
        ),
        ("status", &["confirmed", "tentative", "cancelled"][..], ""),
        (
            "eventType",
            &[
                "default",
                "birthday",
                "focusTime",
                "outOfOffice",
                "workingLocation",
                "fromGmail",
            ][..],
            "",
        ),
    ] {
        if let Some(value) = body.get(name).and_then(Value::as_str) {
            if !values.contains(&value) {
                return Err(ApiError::invalid(format!("Invalid value for: {name}")));
            }
            if value == default {
                body.remove(name);
            }
        }
    }
    if let Some(color) = body.get("colorId").and_then(Value::as_str) {
        let known = color.parse::<u8>().is_ok_and(|n| (1..=11).contains(&n));
        if color.is_empty() {
            body.remove("colorId");
        } else if !known {
            return Err(ApiError::invalid("Invalid color id value."));
        }
    }
    let url = body
        .get("source")
        .and_then(|source| source.get("url"))
        .and_then(Value::as_str);
    if let Some(url) = url.filter(|_| setting.knobs.strict)
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        return Err(ApiError::invalid("Invalid source URL."));
    }
    Ok(())
}

fn properties(body: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(Value::Object(properties)) = body.get_mut("extendedProperties") else {
        return Ok(());
    };
    let (mut count, mut bytes) = (0, 0);
    for group in ["private", "shared"] {
        let Some(Value::Object(map)) = properties.get_mut(group) else {
            continue;
        };
        map.retain(|_, value| !value.is_null());
        for (key, value) in map.iter() {
            let value = value.as_str().unwrap_or_default();
            if key.is_empty() || key.chars().count() > 44 || value.chars().count() > 1024 {
                return Err(ApiError::invalid("Invalid extended property."));
            }
            count += 1;
            bytes += key.len() + value.len();
        }
        if map.is_empty() {
            properties.remove(group);
        }
    }
    if count > 300 || bytes > 32 * 1024 {
        return Err(ApiError::invalid("Too many extended properties."));
    }
    if properties.values().all(Value::is_null) || properties.is_empty() {
        body.remove("extendedProperties");
    }
    Ok(())
}

fn reminders(body: &mut Map<String, Value>) -> Result<(), ApiError> {
    let reminders = body
        .entry("reminders")
        .or_insert_with(|| json!({"useDefault": true}));
    let overrides = reminders
        .get("overrides")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let defaults = reminders.get("useDefault").and_then(Value::as_bool);
    if defaults == Some(true) && !overrides.is_empty() {
        return Err(ApiError::new(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
        )
        .domain("calendar"));
    }
    if overrides.len() > 5 {
        return Err(ApiError::invalid("Too many reminder overrides."));
    }
    for one in &overrides {
        let method = one.get("method").and_then(Value::as_str);
        let minutes = one.get("minutes").and_then(Value::as_i64);
        let known = matches!(method, Some("popup" | "email"));
        if !known || !minutes.is_some_and(|n| (0..=40_320).contains(&n)) {
            return Err(ApiError::invalid("Invalid reminder override."));
        }
    }
    *reminders = if overrides.is_empty() {
        json!({"useDefault": defaults.unwrap_or(false)})
    } else {
        json!({"useDefault": false, "overrides": overrides})
    };
    Ok(())
}

fn people(body: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(Value::Array(attendees)) = body.get_mut("attendees") else {
        return Ok(());
    };
    for attendee in attendees.iter_mut() {
        let email = attendee
            .get("email")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let response = attendee.get("responseStatus").and_then(Value::as_str);
        let known = ["needsAction", "declined", "tentative", "accepted"];
        if !is_address(email) {
            return Err(ApiError::invalid("Invalid attendee email."));
        }
        if response.is_some_and(|status| !known.contains(&status)) {
            return Err(ApiError::invalid("Invalid attendee response status."));
        }
        if let Some(map) = attendee.as_object_mut() {
            map.remove("self");
            map.remove("organizer");
            map.entry("responseStatus")
                .or_insert_with(|| json!("needsAction"));
        }
    }
    if attendees.is_empty() {
        body.remove("attendees");
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !text.chars().any(char::is_whitespace)
    })
}
