//! The `recurrence` lines of an event: `RRULE:`, `EXRULE:`, `RDATE…:`, `EXDATE…:` as text, and as
//! the engine's recurrence with its cancelled occurrences.
//!
//! Lines are compared as values, never as text: Google writes rules in its own words.

mod parse;

use std::collections::BTreeSet;

use jiff::civil::Date;
use sync_engine::model::{RecurrenceId, When, ZoneName};
use sync_engine::observation::Remark;
use sync_engine::recurrence::ids::{first_id, original_start, recurrence_id_in};
use sync_engine::recurrence::{ExtraDate, OriginalStart, Recurrence, Rule, ends_before_start};

use super::ids::utc_stamp;
use super::times::zone_name;
use parse::{Dated, Line};

/// More lines, or dates in them, are not read.
const MOST_LINES: usize = 500;
const MOST_DATES: usize = 20_000;

/// What the lines say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repeating {
    /// Rules and extra dates, in normal form; `None` if there is neither.
    pub recurrence: Option<Recurrence>,
    /// The occurrences that EXDATE takes out.
    pub cancelled: BTreeSet<RecurrenceId>,
    /// What was understood only in part.
    pub remarks: Vec<Remark>,
}

/// Reads the lines of a master that takes place at `when`.
///
/// # Errors
/// A sentence that says which line cannot be read.
pub fn read(lines: &[String], when: &When, floating: &ZoneName) -> Result<Repeating, String> {
    if lines.len() > MOST_LINES {
        return Err(format!("it has more than {MOST_LINES} recurrence lines"));
    }
    let mut recurrence = Recurrence::default();
    let mut out = Repeating::default();
    let mut dates = 0_usize;
    for line in lines {
        match Line::parse(line)? {
            Line::Rule(text) => recurrence.rules.push(rule(text)?),
            Line::ExclusionRule(text) => recurrence.exclusion_rules.push(rule(text)?),
            Line::Dates(list) => {
                dates += list.len();
                recurrence.dates.extend(list.into_iter().map(extra_date));
            }
            Line::ExclusionDates(list) => {
                dates += list.len();
                for date in list {
                    match exclusion(&date, when, floating) {
                        Some(id) => {
                            out.cancelled.insert(id);
                        }
                        None => out.remarks.push(useless()),
                    }
                }
            }
            Line::Unknown(name) => out.remarks.push(Remark {
                code: "recurrence_line_unknown".to_owned(),
                detail: format!("Google shows a recurrence line {name} that is not understood."),
            }),
        }
        if dates > MOST_DATES {
            return Err(format!("it has more than {MOST_DATES} dates"));
        }
    }
    out.remarks.dedup();
    out.recurrence = (!recurrence.is_empty()).then(|| recurrence.normalized(when));
    if let Some(recurrence) = &out.recurrence
        && ends_before_start(when, recurrence)
    {
        // Elsewhere the start itself always counts (RFC 5545 section 3.8.5.3).
        out.cancelled.insert(first_id(when));
    }
    Ok(out)
}

fn rule(text: &str) -> Result<Rule, String> {
    Rule::parse(text).map_err(|error| error.to_string())
}

fn extra_date(date: Dated) -> ExtraDate {
    match date {
        Dated::Start(OriginalStart::Date(date)) => ExtraDate::Date(date),
        Dated::Start(OriginalStart::At(at)) => ExtraDate::At(at),
        Dated::Period { start, end } => ExtraDate::Period { start, end },
    }
}

/// Google takes an EXDATE of the wrong kind, shows it, and excludes nothing by it.
fn exclusion(date: &Dated, when: &When, floating: &ZoneName) -> Option<RecurrenceId> {
    match date {
        Dated::Start(original @ OriginalStart::Date(_)) if when.is_all_day() => {
            Some(recurrence_id_in(when, original, floating))
        }
        Dated::Start(original @ OriginalStart::At(_)) if !when.is_all_day() => {
            Some(recurrence_id_in(when, original, floating))
        }
        _ => None,
    }
}

fn useless() -> Remark {
    Remark {
        code: "exdate_ineffective".to_owned(),
        detail: "An excluded date is of another kind than the event's start; Google ignores it."
            .to_owned(),
    }
}

/// Why Google cannot hold a recurrence, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotHold(pub String);

/// The lines of a series that takes place at `when`, in the form Google takes: one RRULE with
/// UNTIL in UTC or a date, RDATEs in the series' zone, EXDATEs in UTC or dates.
///
/// # Errors
/// What the planner should have expanded: several rules, EXRULE, a sub-daily rule, unknown parts,
/// RDATE periods.
pub fn write(
    recurrence: &Recurrence,
    cancelled: &BTreeSet<RecurrenceId>,
    when: &When,
    floating: &ZoneName,
) -> Result<Vec<String>, CannotHold> {
    let recurrence = recurrence.normalized(when);
    let mut lines = rule_lines(&recurrence)?;
    lines.extend(date_lines(&recurrence.dates, when, floating)?);
    lines.extend(exclusion_line(cancelled, when, floating));
    Ok(lines)
}

fn rule_lines(recurrence: &Recurrence) -> Result<Vec<String>, CannotHold> {
    let cannot = |what: &str| Err(CannotHold(format!("Google cannot hold {what}.")));
    if recurrence.rules.len() > 1 {
        return cannot("several recurrence rules in one event");
    }
    if !recurrence.exclusion_rules.is_empty() {
        return cannot("a rule that takes occurrences out");
    }
    let rules = recurrence.rules.iter();
    if rules.clone().any(|rule| !rule.other.is_empty()) {
        return cannot("this recurrence rule");
    }
    Ok(rules.map(|rule| format!("RRULE:{rule}")).collect())
}

fn date_lines(
    dates: &[ExtraDate],
    when: &When,
    floating: &ZoneName,
) -> Result<Vec<String>, CannotHold> {
    let zone = when
        .zone()
        .map_or(floating, |zone| zone.name_or(floating))
        .clone();
    let mut days = Vec::new();
    let mut walls = Vec::new();
    let mut instants = Vec::new();
    for date in dates {
        match date {
            ExtraDate::Date(date) => days.push(compact_date(*date)),
            ExtraDate::At(at) if !zone.is_utc() && at.zone.name_or(floating) == &zone => {
                walls.push(at.wall.strftime("%Y%m%dT%H%M%S").to_string());
            }
            ExtraDate::At(at) => instants.push(utc_stamp(at, floating)),
            ExtraDate::Period { .. } => {
                return Err(CannotHold(
                    "Google cannot hold extra dates with a length of their own.".to_owned(),
                ));
            }
        }
    }
    let name = zone_name(&zone);
    Ok([
        ("RDATE;VALUE=DATE:".to_owned(), days),
        (format!("RDATE;TZID={name}:"), walls),
        ("RDATE:".to_owned(), instants),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(head, values)| format!("{head}{}", values.join(",")))
    .collect())
}

/// One EXDATE line for all of them, in the start's value type.
fn exclusion_line(
    cancelled: &BTreeSet<RecurrenceId>,
    when: &When,
    floating: &ZoneName,
) -> Option<String> {
    if cancelled.is_empty() {
        return None;
    }
    let head = if when.is_all_day() {
        "EXDATE;VALUE=DATE:"
    } else {
        "EXDATE:"
    };
    let values: Vec<String> = cancelled
        .iter()
        .map(|id| match original_start(when, *id, floating) {
            OriginalStart::Date(date) => compact_date(date),
            OriginalStart::At(at) => utc_stamp(&at, floating),
        })
        .collect();
    Some(format!("{head}{}", values.join(",")))
}

/// The lines as they stand, but with `cancelled` for what EXDATE takes out: rules keep Google's
/// own words.
pub fn with_exclusions(
    lines: &[String],
    cancelled: &BTreeSet<RecurrenceId>,
    when: &When,
    floating: &ZoneName,
) -> Vec<String> {
    lines
        .iter()
        .filter(|line| !matches!(Line::parse(line), Ok(Line::ExclusionDates(_))))
        .cloned()
        .chain(exclusion_line(cancelled, when, floating))
        .collect()
}

fn compact_date(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use sync_engine::model::Zone;
    use sync_engine::model::time::LocalTime;

    fn at(text: &str, zone: &str) -> LocalTime {
        LocalTime::new(
            text.parse().unwrap(),
            Zone::Named(ZoneName::new(zone).unwrap()),
        )
    }

    fn timed() -> When {
        let start = at("2026-11-02T10:00:00", "Europe/Berlin");
        let end = at("2026-11-02T11:00:00", "Europe/Berlin");
        When::timed(start, Some(end))
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn wall(text: &str) -> RecurrenceId {
        RecurrenceId::Wall(text.parse().unwrap())
    }

    #[test]
    fn google_s_lines_are_read_in_all_their_spellings() {
        let read = read(
            &lines(&[
                "RRULE:FREQ=WEEKLY;WKST=MO;UNTIL=20270101T225959Z;BYDAY=MO",
                "RDATE;TZID=Asia/Tokyo:20261103T180000,20261104T180000",
                "EXDATE:20261109T090000Z",
                "EXDATE;TZID=Europe/Berlin:20261116T100000,20261123T100000",
                "EXDATE;VALUE=DATE-TIME:20261130T100000",
                "EXDATE;VALUE=DATE:20261207",
                "X-NOVEL:1",
            ]),
            &timed(),
            &ZoneName::utc(),
        )
        .unwrap();
        let recurrence = read.recurrence.unwrap();
        assert_eq!(
            recurrence.rules[0].to_string(),
            "FREQ=WEEKLY;UNTIL=20270101T225959Z;BYDAY=MO"
        );
        assert_eq!(
            recurrence.dates,
            [
                ExtraDate::At(at("2026-11-03T10:00:00", "Europe/Berlin")),
                ExtraDate::At(at("2026-11-04T10:00:00", "Europe/Berlin"))
            ]
        );
        assert_eq!(
            Vec::from_iter(read.cancelled),
            [
                wall("2026-11-09T10:00:00"),
                wall("2026-11-16T10:00:00"),
                wall("2026-11-23T10:00:00"),
                wall("2026-11-30T10:00:00"),
            ]
        );
        let codes: Vec<_> = read.remarks.iter().map(|r| r.code.as_str()).collect();
        assert_eq!(codes, ["exdate_ineffective", "recurrence_line_unknown"]);
    }

    #[test]
    fn lines_are_written_in_google_s_legal_form() {
        let recurrence = Recurrence {
            rules: vec![Rule::parse("FREQ=DAILY;UNTIL=20261205T100000").unwrap()],
            dates: vec![
                ExtraDate::At(at("2026-12-10T10:00:00", "Europe/Berlin")),
                ExtraDate::At(at("2026-12-11T09:00:00", "Asia/Tokyo")),
            ],
            ..Recurrence::default()
        };
        let cancelled = [wall("2026-11-03T10:00:00"), wall("2026-11-04T10:00:00")].into();
        assert_eq!(
            write(&recurrence, &cancelled, &timed(), &ZoneName::utc()).unwrap(),
            [
                "RRULE:FREQ=DAILY;UNTIL=20261205T090000Z",
                "RDATE;TZID=Europe/Berlin:20261210T100000,20261211T010000",
                "EXDATE:20261103T090000Z,20261104T090000Z",
            ]
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>()
        );
        let day = When::all_day(date(2026, 11, 2), None);
        let recurrence = Recurrence {
            rules: vec![Rule::parse("FREQ=DAILY;UNTIL=20261205T100000Z").unwrap()],
            dates: vec![ExtraDate::Date(date(2026, 12, 10))],
            ..Recurrence::default()
        };
        assert_eq!(
            write(
                &recurrence,
                &[RecurrenceId::Date(date(2026, 11, 3))].into(),
                &day,
                &ZoneName::utc()
            )
            .unwrap(),
            [
                "RRULE:FREQ=DAILY;UNTIL=20261205",
                "RDATE;VALUE=DATE:20261210",
                "EXDATE;VALUE=DATE:20261103"
            ]
        );
    }

    #[test]
    fn a_series_that_ends_before_it_starts_has_not_even_its_start() {
        let cancelled = |rule: &str, when: &When| {
            let read = read(&lines(&[rule]), when, &ZoneName::utc()).unwrap();
            Vec::from_iter(read.cancelled)
        };
        let start = wall("2026-11-02T10:00:00");
        let rule = |until: &str| format!("RRULE:FREQ=DAILY;UNTIL={until}");
        assert_eq!(cancelled(&rule("20261102T085959Z"), &timed()), [start]);
        assert_eq!(cancelled(&rule("20261102T090000Z"), &timed()), []);
        let day = When::all_day(date(2026, 11, 2), None);
        let first = RecurrenceId::Date(date(2026, 11, 2));
        assert_eq!(cancelled(&rule("20261101"), &day), [first]);
        assert_eq!(cancelled(&rule("20261102"), &day), []);
        // A start that the rule does not give is another matter.
        assert_eq!(
            cancelled(
                "RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270101T000000Z",
                &timed()
            ),
            []
        );
    }

    #[test]
    fn what_google_cannot_hold_is_said() {
        let rule = |text: &str| Rule::parse(text).unwrap();
        for recurrence in [
            Recurrence {
                rules: vec![rule("FREQ=DAILY"), rule("FREQ=WEEKLY")],
                ..Recurrence::default()
            },
            Recurrence {
                rules: vec![rule("FREQ=DAILY")],
                exclusion_rules: vec![rule("FREQ=WEEKLY")],
                ..Recurrence::default()
            },
            Recurrence::of(rule("FREQ=YEARLY;RSCALE=CHINESE")),
            Recurrence {
                dates: vec![ExtraDate::Period {
                    start: at("2026-12-10T10:00:00", "UTC"),
                    end: at("2026-12-10T12:00:00", "UTC"),
                }],
                ..Recurrence::default()
            },
        ] {
            assert!(write(&recurrence, &BTreeSet::new(), &timed(), &ZoneName::utc()).is_err());
        }
    }

    #[test]
    fn exclusions_change_and_rules_keep_their_words() {
        let before = lines(&[
            "RRULE:FREQ=WEEKLY;WKST=SU;BYDAY=MO",
            "EXDATE:20261109T090000Z",
        ]);
        let none = BTreeSet::new();
        assert_eq!(
            with_exclusions(&before, &none, &timed(), &ZoneName::utc()),
            ["RRULE:FREQ=WEEKLY;WKST=SU;BYDAY=MO"]
        );
    }
}
