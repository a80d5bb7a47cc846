//! Event times: reading a client's `EventDateTime` with Google's refusals, and
//! rendering a stored one in the zone the request asked for. Stored times are
//! `{date}` or `{dateTime: <UTC>, timeZone?}`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::error::ApiError;

/// When something starts or ends: a day, or an instant in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Moment {
    Day(Date),
    Instant(Timestamp),
}

impl Moment {
    /// The instant a day starts at in `zone`, or the instant itself.
    pub(super) fn instant(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Day(day) => zone
                .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
                .unwrap_or(Timestamp::UNIX_EPOCH),
            Self::Instant(at) => at,
        }
    }

    pub(super) const fn is_day(self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The wall clock in `zone`.
    pub(super) fn civil(self, zone: &TimeZone) -> DateTime {
        match self {
            Self::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
            Self::Instant(at) => zone.to_datetime(at),
        }
    }
}

/// How long an event lasts: whole days, or exact seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Days(i64),
    Seconds(i64),
}

impl Length {
    /// From start to end; both must be of one kind.
    pub(super) fn between(start: Moment, end: Moment) -> Option<Self> {
        match (start, end) {
            (Moment::Day(a), Moment::Day(b)) => {
                let days = b.duration_since(a).as_hours() / 24;
                Some(Self::Days(days))
            }
            (Moment::Instant(a), Moment::Instant(b)) => {
                Some(Self::Seconds(b.duration_since(a).as_secs()))
            }
            _ => None,
        }
    }

    /// `start` plus this length.
    pub(super) fn after(self, start: Moment) -> Moment {
        match (self, start) {
            (Self::Days(days), Moment::Day(day)) => Moment::Day(
                day.saturating_add(jiff::Span::new().try_days(days).unwrap_or_default()),
            ),
            (Self::Seconds(seconds), Moment::Instant(at)) => Moment::Instant(
                at.checked_add(SignedDuration::from_secs(seconds))
                    .unwrap_or(at),
            ),
            // A length never meets a start of the other kind: both come from one event.
            (_, other) => other,
        }
    }
}

/// An IANA zone by its exact name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok()?;
    (zone.iana_name() == Some(name) && name != "Etc/Unknown").then_some(zone)
}

/// Which end of an event is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Start,
    End,
}

impl Edge {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

/// Reads and normalises one `EventDateTime` of a client.
pub(super) fn read(
    edge: Edge,
    value: Option<&Value>,
) -> Result<(Moment, Map<String, Value>), ApiError> {
    let name = edge.name();
    let invalid = || ApiError::invalid(format!("Invalid {name} time."));
    let Some(map) = value.and_then(Value::as_object) else {
        return Err(ApiError::required(format!("Missing {name} time.")));
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let named = text("timeZone");
    let tz = match named {
        Some(id) => Some(zone(id).ok_or_else(|| {
            ApiError::invalid(format!("Invalid time zone definition for {name} time."))
        })?),
        None => None,
    };
    let mut stored = Map::new();
    let moment = match (text("date"), text("dateTime")) {
        (Some(date), None) => {
            let day = strict_date(date).ok_or_else(invalid)?;
            stored.insert("date".into(), json!(day.to_string()));
            Moment::Day(day)
        }
        (None, Some(date_time)) => {
            let at = if let Some(at) = offset_time(date_time) {
                at
            } else {
                let civil = local_time(date_time).ok_or_else(invalid)?;
                let tz = tz.ok_or_else(|| {
                    ApiError::required(format!("Missing time zone definition for {name} time."))
                })?;
                tz.to_timestamp(civil).map_err(|_| invalid())?
            };
            stored.insert("dateTime".into(), json!(at.to_string()));
            Moment::Instant(at)
        }
        (None, None) => return Err(ApiError::required(format!("Missing {name} time."))),
        (Some(_), Some(_)) => return Err(invalid()),
    };
    if let (Some(id), false) = (named, moment.is_day()) {
        stored.insert("timeZone".into(), json!(id));
    }
    Ok((moment, stored))
}

/// A stored time back as a moment.
pub(super) fn stored(value: Option<&Value>) -> Option<Moment> {
    let map = value?.as_object()?;
    if let Some(date) = map.get("date").and_then(Value::as_str) {
        return date.parse().ok().map(Moment::Day);
    }
    let at = map.get("dateTime").and_then(Value::as_str)?;
    at.parse().ok().map(Moment::Instant)
}

/// A moment as it is stored, with the event's zone.
pub(super) fn store(moment: Moment, zone: Option<&str>) -> Value {
    match (moment, zone) {
        (Moment::Day(day), _) => json!({"date": day.to_string()}),
        (Moment::Instant(at), Some(zone)) => {
            json!({"dateTime": at.to_string(), "timeZone": zone})
        }
        (Moment::Instant(at), None) => json!({"dateTime": at.to_string()}),
    }
}

/// A stored time as an answer shows it: `dateTime` with the offset of `shown`,
/// `timeZone` the event's own or else the calendar's.
pub(super) fn render(value: &Value, shown: &TimeZone, calendar_zone: &str) -> Value {
    match stored(Some(value)) {
        Some(Moment::Instant(at)) => json!({
            "dateTime": with_offset(at, shown),
            "timeZone": value.get("timeZone").cloned().unwrap_or_else(|| json!(calendar_zone)),
        }),
        _ => value.clone(),
    }
}

/// `2026-11-22T10:00:00+01:00`, or `Z` where the offset is zero.
pub(super) fn with_offset(at: Timestamp, zone: &TimeZone) -> String {
    let shown = at.to_zoned(zone.clone());
    if shown.offset().is_zero() {
        shown.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        shown.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// RFC 3339 with a mandatory offset; fractions are cut off.
pub(super) fn offset_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && matches!(bytes.get(10), Some(b'T' | b't'))
        && bytes.get(13) == Some(&b':')
        && bytes.get(16) == Some(&b':')
        && !text.contains('[');
    if !shaped {
        return None;
    }
    let at: Timestamp = text.parse().ok()?;
    Timestamp::from_second(at.as_second() - i64::from(at.subsec_nanosecond() < 0)).ok()
}

fn local_time(text: &str) -> Option<DateTime> {
    if text.len() < 19 || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let rest_is_fraction = text
        .get(19..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let civil: DateTime = text.parse().ok().filter(|_| rest_is_fraction)?;
    civil.with().subsec_nanosecond(0).build().ok()
}

fn strict_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(value: &Value) -> Result<(Moment, Map<String, Value>), ApiError> {
        read(Edge::Start, Some(value))
    }

    #[test]
    fn times_are_normalised_to_utc() {
        for (given, stored) in [
            (json!({"date": "2026-11-22"}), json!({"date": "2026-11-22"})),
            (
                json!({"dateTime": "2026-11-22T10:00:00+01:00"}),
                json!({"dateTime": "2026-11-22T09:00:00Z"}),
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00.500Z"}),
                json!({"dateTime": "2026-11-22T10:00:00Z"}),
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00", "timeZone": "Europe/Berlin"}),
                json!({"dateTime": "2026-11-22T09:00:00Z", "timeZone": "Europe/Berlin"}),
            ),
            // The offset disagrees with the zone: the instant wins.
            (
                json!({"dateTime": "2026-11-22T10:00:00-05:00", "timeZone": "Europe/Berlin"}),
                json!({"dateTime": "2026-11-22T15:00:00Z", "timeZone": "Europe/Berlin"}),
            ),
            // In the gap of 2026-03-29 the offset before it counts.
            (
                json!({"dateTime": "2026-03-29T02:30:00", "timeZone": "Europe/Berlin"}),
                json!({"dateTime": "2026-03-29T01:30:00Z", "timeZone": "Europe/Berlin"}),
            ),
        ] {
            assert_eq!(Value::Object(start(&given).unwrap().1), stored);
        }
    }

    #[test]
    fn what_is_refused_and_how() {
        for (given, reason, message) in [
            (json!({}), "required", "Missing start time."),
            (
                json!({"date": "2026-11-22", "dateTime": "2026-11-22T10:00:00Z"}),
                "invalid",
                "Invalid start time.",
            ),
            (
                json!({"date": "2026-02-30"}),
                "invalid",
                "Invalid start time.",
            ),
            (
                json!({"date": "20261122"}),
                "invalid",
                "Invalid start time.",
            ),
            (
                json!({"dateTime": "2026-11-22"}),
                "invalid",
                "Invalid start time.",
            ),
            (
                json!({"dateTime": "2026-11-22 10:00:00Z"}),
                "invalid",
                "Invalid start time.",
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00"}),
                "required",
                "Missing time zone definition for start time.",
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00Z", "timeZone": "Mars/Base"}),
                "invalid",
                "Invalid time zone definition for start time.",
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00Z", "timeZone": "W. Europe Standard Time"}),
                "invalid",
                "Invalid time zone definition for start time.",
            ),
            (
                json!({"dateTime": "2026-11-22T10:00:00Z", "timeZone": "europe/berlin"}),
                "invalid",
                "Invalid time zone definition for start time.",
            ),
        ] {
            let error = start(&given).unwrap_err();
            assert_eq!(
                (error.status, error.reason.as_ref(), error.message.as_str()),
                (400, reason, message),
                "{given}"
            );
        }
        assert_eq!(
            read(Edge::End, None).unwrap_err().message,
            "Missing end time."
        );
    }

    #[test]
    fn answers_show_the_zone_asked_for() {
        let stored = json!({"dateTime": "2026-07-01T10:00:00Z", "timeZone": "Asia/Tokyo"});
        let berlin = zone("Europe/Berlin").unwrap();
        assert_eq!(
            render(&stored, &berlin, "Europe/Berlin"),
            json!({"dateTime": "2026-07-01T12:00:00+02:00", "timeZone": "Asia/Tokyo"})
        );
        let plain = json!({"dateTime": "2026-07-01T10:00:00Z"});
        assert_eq!(
            render(&plain, &TimeZone::UTC, "Europe/Berlin"),
            json!({"dateTime": "2026-07-01T10:00:00Z", "timeZone": "Europe/Berlin"})
        );
    }
}
