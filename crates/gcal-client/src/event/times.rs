//! Google's dates and times, and ours.
//!
//! An answer shows a time with the offset of the *calendar's* zone while `timeZone` names the
//! event's own. Where the two zones are one, the wall time as shown is what counts: Google's
//! time-zone database may be another release than ours, and the wall is what people agreed on.

use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{AmbiguousOffset, Offset};
use serde_json::{Value, json};
use sync_engine::model::time::{Date, LocalTime, Timestamp};
use sync_engine::model::{When, Zone, ZoneName};

use crate::requests::wire::EventTime;

/// A date or a time, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// A whole day.
    Day(Date),
    /// A time.
    Time(LocalTime),
}

/// Reads a date or time of an event on a calendar in `calendar_zone`. A zone that is not known is
/// read as UTC and reported as the second value.
///
/// # Errors
/// A sentence that says what cannot be read.
pub fn read(
    time: &EventTime,
    calendar_zone: Option<&ZoneName>,
) -> Result<(Moment, Option<String>), String> {
    if let Some(date) = &time.date {
        let date = date
            .parse()
            .map_err(|_| format!("{:?} is no date", excerpt(date)))?;
        return Ok((Moment::Day(date), None));
    }
    let text = time
        .date_time
        .as_deref()
        .ok_or("a start or end has neither date nor time")?;
    let bad = || format!("{:?} is no time", excerpt(text));
    let pieces = Pieces::parse(text).map_err(|_| bad())?;
    let wall = DateTime::from_parts(pieces.date(), pieces.time().ok_or_else(bad)?);
    let wall = wall
        .with()
        .subsec_nanosecond(0)
        .build()
        .map_err(|_| bad())?;
    let (zone, unknown) = match time.time_zone.as_deref() {
        None => (calendar_zone.cloned(), None),
        Some(name) => match ZoneName::new(name) {
            Some(zone) => (Some(zone), None),
            None => (None, Some(excerpt(name))),
        },
    };
    let zone = zone.unwrap_or_else(ZoneName::utc);
    let local = match pieces.offset() {
        None => LocalTime::new(wall, Zone::Named(zone)),
        Some(offset) => {
            let zulu = matches!(offset, PiecesOffset::Zulu);
            let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
            let at = offset.to_timestamp(wall).map_err(|_| bad())?;
            if !zulu && calendar_zone == Some(&zone) {
                as_shown(wall, offset, at, zone)
            } else {
                LocalTime::in_zone(at, &zone)
            }
        }
    };
    Ok((Moment::Time(local), unknown))
}

/// The wall time that is shown, unless it names another instant than the one meant: the second
/// pass of a fold, or a wall time that does not exist for us.
fn as_shown(wall: DateTime, offset: Offset, at: Timestamp, zone: ZoneName) -> LocalTime {
    match zone.rules().to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Fold { after, .. } if offset == after => LocalTime::utc(at),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            LocalTime::new(wall, Zone::Named(zone))
        }
        AmbiguousOffset::Gap { .. } => LocalTime::in_zone(at, &zone),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Start and end as Google takes them. With `clearing`, the kind of time it may have been before
/// is cleared, which a PATCH has to.
pub fn write(when: &When, floating: &ZoneName, clearing: bool) -> (Value, Value) {
    match when {
        When::AllDay { start, end } => {
            let day = |date: &Date| {
                if clearing {
                    json!({"date": date.to_string(), "dateTime": null, "timeZone": null})
                } else {
                    json!({"date": date.to_string()})
                }
            };
            (day(start), day(end))
        }
        When::Timed { start, end } => {
            let time = |time: &LocalTime| {
                let mut value = json!({
                    "dateTime": date_time(time, floating),
                    "timeZone": zone_name(time.zone.name_or(floating)),
                });
                if clearing && let Some(fields) = value.as_object_mut() {
                    fields.insert("date".to_owned(), Value::Null);
                }
                value
            };
            (time(start), time(end))
        }
    }
}

/// Google knows UTC by this name.
pub fn zone_name(zone: &ZoneName) -> &'static str {
    if zone.is_utc() { "UTC" } else { zone.as_str() }
}

/// The wall time without offset, for the zone beside it to give: so it stays what people agreed on
/// although Google's time-zone database may be another release. In a fold or gap, where the wall
/// alone is ambiguous, with the offset that makes it the instant meant.
fn date_time(time: &LocalTime, floating: &ZoneName) -> String {
    let zone = time.zone.name_or(floating);
    if zone.is_utc() {
        return time.wall.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    let rules = zone.rules();
    let ambiguous = rules.to_ambiguous_timestamp(time.wall);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => time.wall.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        AmbiguousOffset::Fold { .. } | AmbiguousOffset::Gap { .. } => rfc3339(time, floating),
    }
}

/// The instant, written on the wall of the time's own zone.
pub fn rfc3339(time: &LocalTime, floating: &ZoneName) -> String {
    let zone = time.zone.name_or(floating);
    let shown = time.instant(floating).to_zoned(zone.rules());
    if shown.offset().is_zero() {
        shown.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        shown.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    fn zone(name: &str) -> ZoneName {
        ZoneName::new(name).unwrap()
    }

    fn shown(date_time: &str, own: Option<&str>, calendar: &str) -> String {
        let time = EventTime {
            date_time: Some(date_time.to_owned()),
            time_zone: own.map(str::to_owned),
            date: None,
        };
        match read(&time, Some(&zone(calendar))).unwrap() {
            (
                Moment::Time(LocalTime {
                    wall,
                    zone: Zone::Named(zone),
                }),
                unknown,
            ) => {
                format!("{wall} {zone}{}", if unknown.is_some() { "?" } else { "" })
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn times_are_read_onto_the_event_s_own_wall() {
        let berlin = "Europe/Berlin";
        for (text, own, calendar, expected) in [
            (
                "2026-11-02T10:00:00+01:00",
                Some(berlin),
                berlin,
                "2026-11-02T10:00:00 Europe/Berlin",
            ),
            (
                "2026-11-02T10:00:00+01:00",
                None,
                berlin,
                "2026-11-02T10:00:00 Europe/Berlin",
            ),
            (
                "2026-11-02T10:00:00+01:00",
                Some("Asia/Tokyo"),
                berlin,
                "2026-11-02T18:00:00 Asia/Tokyo",
            ),
            (
                "2026-11-02T09:00:00Z",
                Some(berlin),
                berlin,
                "2026-11-02T10:00:00 Europe/Berlin",
            ),
            (
                "2026-11-02T09:00:00.123Z",
                Some("UTC"),
                berlin,
                "2026-11-02T09:00:00 UTC",
            ),
            (
                "2026-11-02T10:00:00",
                Some(berlin),
                berlin,
                "2026-11-02T10:00:00 Europe/Berlin",
            ),
            // A database of another release: the wall stays.
            (
                "2026-11-02T10:00:00+02:00",
                Some(berlin),
                berlin,
                "2026-11-02T10:00:00 Europe/Berlin",
            ),
            // The fold of 2026-10-25: first pass, second pass.
            (
                "2026-10-25T02:30:00+02:00",
                Some(berlin),
                berlin,
                "2026-10-25T02:30:00 Europe/Berlin",
            ),
            (
                "2026-10-25T02:30:00+01:00",
                Some(berlin),
                berlin,
                "2026-10-25T01:30:00 UTC",
            ),
            (
                "2026-10-25T01:30:00Z",
                Some(berlin),
                "UTC",
                "2026-10-25T01:30:00 UTC",
            ),
            (
                "2026-11-02T10:00:00+01:00",
                Some("Mars/Base"),
                berlin,
                "2026-11-02T09:00:00 UTC?",
            ),
        ] {
            assert_eq!(shown(text, own, calendar), expected, "{text} {own:?}");
        }
    }

    #[test]
    fn a_date_never_becomes_an_instant() {
        let time = EventTime {
            date: Some("2026-11-02".into()),
            ..EventTime::default()
        };
        assert_eq!(
            read(&time, Some(&zone("Pacific/Apia"))).unwrap().0,
            Moment::Day(date(2026, 11, 2))
        );
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        for (date, date_time) in [
            (None, None),
            (Some("2026-02-30"), None),
            (None, Some("tomorrow")),
            (None, Some("2026-11-02")),
            (None, Some("2026-11-02T25:00:00Z")),
        ] {
            let time = EventTime {
                date: date.map(str::to_owned),
                date_time: date_time.map(str::to_owned),
                time_zone: None,
            };
            assert!(read(&time, None).is_err(), "{time:?}");
        }
    }

    #[test]
    fn written_times_name_their_zone_and_an_offset_only_where_the_wall_is_not_enough() {
        let at = |hour, minute, day, month: i8, name: &str| {
            LocalTime::new(
                datetime(2026, month, day, hour, minute, 0, 0),
                Zone::Named(zone(name)),
            )
        };
        for (time, expected) in [
            (
                at(10, 0, 2, 11, "Europe/Berlin"),
                json!({"dateTime": "2026-11-02T10:00:00", "timeZone": "Europe/Berlin"}),
            ),
            (
                at(10, 0, 2, 11, "Etc/UTC"),
                json!({"dateTime": "2026-11-02T10:00:00Z", "timeZone": "UTC"}),
            ),
            (
                at(2, 30, 25, 10, "Europe/Berlin"),
                json!({"dateTime": "2026-10-25T02:30:00+02:00", "timeZone": "Europe/Berlin"}),
            ),
            (
                at(2, 30, 29, 3, "Europe/Berlin"),
                json!({"dateTime": "2026-03-29T03:30:00+02:00", "timeZone": "Europe/Berlin"}),
            ),
        ] {
            let (start, _) = write(&When::timed(time, None), &ZoneName::utc(), false);
            assert_eq!(start, expected);
        }
    }

    #[test]
    fn a_patch_clears_the_other_kind() {
        let day = When::all_day(date(2026, 11, 2), None);
        assert_eq!(
            write(&day, &ZoneName::utc(), true),
            (
                json!({"date": "2026-11-02", "dateTime": null, "timeZone": null}),
                json!({"date": "2026-11-03", "dateTime": null, "timeZone": null})
            )
        );
        let start = LocalTime::utc("2026-11-02T10:00:00Z".parse().unwrap());
        let (start, _) = write(&When::timed(start, None), &ZoneName::utc(), true);
        assert_eq!(start["date"], Value::Null);
        assert!(start.as_object().unwrap().contains_key("date"));
    }
}
