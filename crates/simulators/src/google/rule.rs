//! Recurrence lines as Google takes them: `RRULE`, `EXRULE`, `RDATE`, `EXDATE`
//! parsed with its refusals. What they mean in time is `expand.rs`.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use super::error::ApiError;
use super::knobs::Knobs;
use super::times::{self, Moment};

/// Base frequency; sub-daily ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freq {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// One RRULE or EXRULE.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) freq: Freq,
    pub(super) interval: i32,
    pub(super) count: Option<u32>,
    pub(super) until: Option<Moment>,
    pub(super) wkst: Weekday,
    pub(super) by_month: Vec<i32>,
    pub(super) by_week_no: Vec<i32>,
    pub(super) by_year_day: Vec<i32>,
    pub(super) by_month_day: Vec<i32>,
    pub(super) by_day: Vec<(i32, Weekday)>,
    pub(super) by_hour: Vec<i32>,
    pub(super) by_minute: Vec<i32>,
    pub(super) by_second: Vec<i32>,
    pub(super) by_set_pos: Vec<i32>,
}

/// All lines of one event.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    pub(super) rule: Option<Rule>,
    pub(super) exrule: Option<Rule>,
    pub(super) rdates: BTreeSet<Moment>,
    pub(super) exdates: BTreeSet<Moment>,
}

fn invalid() -> ApiError {
    ApiError::invalid("Invalid recurrence rule.")
}

/// Parses the `recurrence` array of an event that starts at `start`.
pub(super) fn parse(lines: &[String], start: Moment, knobs: &Knobs) -> Result<Lines, ApiError> {
    let mut out = Lines::default();
    for line in lines {
        let split = line.find([':', ';']).ok_or_else(invalid)?;
        let (name, rest) = line.split_at(split);
        match name {
            "RRULE" | "EXRULE" => {
                let text = rest.strip_prefix(':').ok_or_else(invalid)?;
                let slot = if name == "RRULE" {
                    &mut out.rule
                } else if knobs.allow_exrule {
                    &mut out.exrule
                } else {
                    return Err(invalid());
                };
                if slot.replace(rule(text, start)?).is_some() {
                    return Err(invalid());
                }
            }
            "RDATE" => dates(rest, start, knobs, &mut out.rdates)?,
            "EXDATE" => dates(rest, start, knobs, &mut out.exdates)?,
            _ => return Err(invalid()),
        }
    }
    Ok(out)
}

fn rule(text: &str, start: Moment) -> Result<Rule, ApiError> {
    let mut out = Rule {
        freq: Freq::Daily,
        interval: 1,
        count: None,
        until: None,
        wkst: Weekday::Monday,
        by_month: Vec::new(),
        by_week_no: Vec::new(),
        by_year_day: Vec::new(),
        by_month_day: Vec::new(),
        by_day: Vec::new(),
        by_hour: Vec::new(),
        by_minute: Vec::new(),
        by_second: Vec::new(),
        by_set_pos: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for part in text.split(';') {
        let (name, value) = part.split_once('=').ok_or_else(invalid)?;
        if !seen.insert(name) {
            return Err(invalid());
        }
        match name {
            "FREQ" => {
                out.freq = match value {
                    "DAILY" => Freq::Daily,
                    "WEEKLY" => Freq::Weekly,
                    "MONTHLY" => Freq::Monthly,
                    "YEARLY" => Freq::Yearly,
                    _ => return Err(invalid()),
                }
            }
            "INTERVAL" => out.interval = number(value, 1, 100_000)?,
            "COUNT" => {
                out.count = Some(u32::try_from(number(value, 1, 100_000)?).unwrap_or(1));
            }
            "UNTIL" => out.until = Some(until(value, start)?),
            "WKST" => out.wkst = weekday(value)?,
            "BYMONTH" => out.by_month = numbers(value, 1, 12)?,
            "BYWEEKNO" => out.by_week_no = signed(value, 53)?,
            "BYYEARDAY" => out.by_year_day = signed(value, 366)?,
            "BYMONTHDAY" => out.by_month_day = signed(value, 31)?,
            "BYSETPOS" => out.by_set_pos = signed(value, 366)?,
            "BYDAY" => out.by_day = value.split(',').map(by_day).collect::<Result<_, _>>()?,
            "BYHOUR" if !start.is_day() => out.by_hour = numbers(value, 0, 23)?,
            "BYMINUTE" if !start.is_day() => out.by_minute = numbers(value, 0, 59)?,
            "BYSECOND" if !start.is_day() => out.by_second = numbers(value, 0, 59)?,
            _ => return Err(invalid()),
        }
    }
    let ordinal = out.by_day.iter().any(|(nth, _)| *nth != 0);
    let fits = seen.contains("FREQ")
        && !(out.count.is_some() && out.until.is_some())
        && (out.by_week_no.is_empty() || out.freq == Freq::Yearly)
        && (out.by_year_day.is_empty() || out.freq == Freq::Yearly)
        && (out.by_month_day.is_empty() || out.freq != Freq::Weekly)
        && (!ordinal
            || out.freq == Freq::Monthly
            || (out.freq == Freq::Yearly && out.by_week_no.is_empty()))
        && (out.by_set_pos.is_empty()
            || seen.iter().any(|p| p.starts_with("BY") && *p != "BYSETPOS"));
    if fits { Ok(out) } else { Err(invalid()) }
}

fn number(text: &str, low: i32, high: i32) -> Result<i32, ApiError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|n| digits && (low..=high).contains(n))
        .ok_or_else(invalid)
}

fn numbers(text: &str, low: i32, high: i32) -> Result<Vec<i32>, ApiError> {
    text.split(',').map(|n| number(n, low, high)).collect()
}

fn signed(text: &str, high: i32) -> Result<Vec<i32>, ApiError> {
    text.split(',')
        .map(|item| match item.strip_prefix('-') {
            Some(rest) => number(rest, 1, high).map(|n| -n),
            None => number(item.strip_prefix('+').unwrap_or(item), 1, high),
        })
        .collect()
}

fn weekday(text: &str) -> Result<Weekday, ApiError> {
    Ok(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return Err(invalid()),
    })
}

fn by_day(text: &str) -> Result<(i32, Weekday), ApiError> {
    let at = text.len().checked_sub(2).ok_or_else(invalid)?;
    let (nth, day) = text.split_at_checked(at).ok_or_else(invalid)?;
    let nth = if nth.is_empty() {
        0
    } else {
        signed(nth, 53)?.first().copied().unwrap_or(0)
    };
    Ok((nth, weekday(day)?))
}

/// UNTIL must be of the start's kind, and UTC when timed.
fn until(text: &str, start: Moment) -> Result<Moment, ApiError> {
    let moment = if start.is_day() { day(text) } else { utc(text) };
    moment.ok_or_else(invalid)
}

fn day(text: &str) -> Option<Moment> {
    (text.len() == 8)
        .then(|| Date::strptime("%Y%m%d", text).ok())
        .flatten()
        .map(Moment::Day)
}

fn utc(text: &str) -> Option<Moment> {
    local(text.strip_suffix('Z')?, &TimeZone::UTC)
}

fn local(text: &str, zone: &TimeZone) -> Option<Moment> {
    (text.len() == 15)
        .then(|| DateTime::strptime("%Y%m%dT%H%M%S", text).ok())
        .flatten()
        .and_then(|civil| zone.to_timestamp(civil).ok())
        .map(Moment::Instant)
}

/// The value and parameters of an RDATE or EXDATE line.
fn dates(
    rest: &str,
    start: Moment,
    knobs: &Knobs,
    out: &mut BTreeSet<Moment>,
) -> Result<(), ApiError> {
    let (params, values) = rest.split_once(':').ok_or_else(invalid)?;
    let mut as_days = false;
    let mut tzid = None;
    for param in params.split(';').filter(|p| !p.is_empty()) {
        match param.split_once('=') {
            Some(("VALUE", "DATE")) => as_days = true,
            Some(("VALUE", "DATE-TIME")) => {}
            Some(("TZID", name)) => tzid = Some(times::zone(name).ok_or_else(invalid)?),
            _ => return Err(invalid()),
        }
    }
    for value in values.split(',') {
        let moment = if as_days {
            day(value)
        } else if let Some(zone) = &tzid {
            local(value, zone)
        } else {
            utc(value).or_else(|| day(value).filter(|_| knobs.lax_exdate))
        };
        let moment = moment.ok_or_else(invalid)?;
        if moment.is_day() == start.is_day() {
            out.insert(moment);
        } else if !knobs.lax_exdate {
            return Err(invalid());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed() -> Moment {
        Moment::Instant("2026-11-02T09:00:00Z".parse().unwrap())
    }

    fn all_day() -> Moment {
        Moment::Day("2026-11-02".parse().unwrap())
    }

    fn ok(line: &str, start: Moment) -> bool {
        parse(&[line.to_owned()], start, &Knobs::default()).is_ok()
    }

    #[test]
    fn lines_google_takes() {
        for line in [
            "RRULE:FREQ=DAILY",
            "RRULE:FREQ=WEEKLY;BYDAY=MO,TU;WKST=SU;INTERVAL=2",
            "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
            "RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "RRULE:FREQ=DAILY;UNTIL=20261202T000000Z",
            "RRULE:FREQ=DAILY;COUNT=1",
            "EXDATE:20261103T090000Z",
            "EXDATE;TZID=Europe/Berlin:20261103T100000,20261104T100000",
            "RDATE;VALUE=DATE-TIME:20261103T090000Z",
        ] {
            assert!(ok(line, timed()), "{line}");
        }
        for line in [
            "RRULE:FREQ=DAILY;UNTIL=20261202",
            "EXDATE;VALUE=DATE:20261103",
            "RDATE;VALUE=DATE:20261103,20261105",
        ] {
            assert!(ok(line, all_day()), "{line}");
        }
    }

    #[test]
    fn lines_google_refuses() {
        for line in [
            "FREQ=DAILY",
            "RRULE;X=1:FREQ=DAILY",
            "rrule:FREQ=DAILY",
            "RRULE:",
            "RRULE:FREQ=HOURLY",
            "RRULE:INTERVAL=2",
            "RRULE:FREQ=DAILY;COUNT=0",
            "RRULE:FREQ=DAILY;COUNT=-1",
            "RRULE:FREQ=DAILY;INTERVAL=0",
            "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20261202T000000Z",
            "RRULE:FREQ=DAILY;UNTIL=20261202",
            "RRULE:FREQ=DAILY;UNTIL=20261202T000000",
            "RRULE:FREQ=DAILY;FREQ=DAILY",
            "RRULE:FREQ=DAILY;BYDAY=XX",
            "RRULE:FREQ=WEEKLY;BYDAY=1MO",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=32",
            "RRULE:FREQ=MONTHLY;BYWEEKNO=1",
            "RRULE:FREQ=DAILY;BYSETPOS=1",
            "RRULE:FREQ=DAILY;RSCALE=GREGORIAN",
            "EXRULE:FREQ=DAILY",
            "DTSTART:20261102T090000Z",
            "X-RULE:FREQ=DAILY",
            "EXDATE;VALUE=DATE:20261103",
            "EXDATE:20261103",
            "EXDATE:20261103T090000",
            "EXDATE;TZID=Nowhere/Town:20261103T090000",
            "RDATE;VALUE=PERIOD:20261103T090000Z/PT1H",
        ] {
            assert!(!ok(line, timed()), "{line}");
        }
        for line in [
            "RRULE:FREQ=DAILY;UNTIL=20261202T000000Z",
            "RRULE:FREQ=DAILY;BYHOUR=9",
            "EXDATE:20261103T090000Z",
        ] {
            assert!(!ok(line, all_day()), "{line}");
        }
        let twice = [
            "RRULE:FREQ=DAILY".to_owned(),
            "RRULE:FREQ=WEEKLY".to_owned(),
        ];
        assert!(parse(&twice, timed(), &Knobs::default()).is_err());
    }

    #[test]
    fn a_lax_exdate_of_the_wrong_kind_is_kept_and_useless() {
        let knobs = Knobs {
            lax_exdate: true,
            ..Knobs::default()
        };
        let line = ["EXDATE;VALUE=DATE:20261103".to_owned()];
        assert!(parse(&line, timed(), &knobs).unwrap().exdates.is_empty());
    }
}
