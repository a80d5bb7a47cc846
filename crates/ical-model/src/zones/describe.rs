//! Writing a VTIMEZONE for a zone of the database.
//!
//! It begins with the change of offset that holds when the event begins, so that the event's whole
//! future is covered. Where a zone's changes follow one rule a year for good, they are written as
//! that rule from the first year it fits; what lies before, and zones without such a rule, as
//! explicit dates. Every VTIMEZONE made here is checked by evaluating it again (see the tests).

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use sync_engine::model::ZoneName;
use sync_engine::model::time::Timestamp;
use sync_engine::recurrence::{Freq, Rule, rule::Day};

use super::observance::{Observance, Onset};
use crate::component::{Component, Item};
use crate::line::Line;
use crate::value::write_wall;

/// All zones follow their last rule from here on.
const SETTLED: i16 = 2090;
/// Every weekday has met every date of the year after so many years.
const FULL_CYCLE: i16 = 28;
/// How far explicit dates reach for a zone without a rule, in years.
const HORIZON: i16 = 30;

/// One change of offset, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// On the wall before it.
    wall: DateTime,
    kind: Kind,
}

/// Changes that are written together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    from: Offset,
    to: Offset,
    daylight: bool,
    name: String,
}

/// A VTIMEZONE with the rules of `zone` from `start` on.
pub fn describe(zone: &ZoneName, start: Timestamp) -> Component<'static> {
    let rules = zone.rules();
    let mut component = Component::new("VTIMEZONE");
    component.push(Line::build(b"TZID", zone.as_str().as_bytes()));
    let (first_year, since, before) = beginning(&rules, start);
    let mut groups: BTreeMap<Kind, Vec<DateTime>> = BTreeMap::new();
    let yearly = Yearly::of(&rules, first_year);
    let explicit_to = match &yearly {
        Some(yearly) => yearly.first_year - 1,
        None => rules.to_datetime(start).year().saturating_add(HORIZON),
    };
    if let Some(change) = before {
        groups.entry(change.kind).or_default().push(change.wall);
    }
    for change in changes(&rules, first_year, explicit_to) {
        if change
            .kind
            .from
            .to_timestamp(change.wall)
            .is_ok_and(|at| at < since)
        {
            continue;
        }
        groups.entry(change.kind).or_default().push(change.wall);
    }
    let mut observances: Vec<(DateTime, Component<'static>)> = groups
        .into_iter()
        .filter_map(|(kind, dates)| Some((*dates.first()?, explicit(&kind, &dates))))
        .collect();
    for (change, rule) in yearly.into_iter().flat_map(|yearly| yearly.rules) {
        let mut observance = observance(&change.kind, change.wall);
        observance.push(Line::build(b"RRULE", rule.to_string().as_bytes()));
        observances.push((change.wall, observance));
    }
    observances.sort_by_key(|(first, _)| *first);
    let observances = observances.into_iter().map(|(_, observance)| observance);
    component
        .items
        .extend(observances.map(|each| Item::Component(Box::new(each))));
    component
}

/// The year and the change to begin with; where no change precedes `start`, what holds from there.
fn beginning(rules: &TimeZone, start: Timestamp) -> (i16, Timestamp, Option<Change>) {
    let mut earlier = rules.preceding(start).map(|change| change.timestamp());
    let really = earlier.find(|at| offset_before(rules, *at) != rules.to_offset(*at));
    if let Some(at) = really {
        return (offset_before(rules, at).to_datetime(at).year(), at, None);
    }
    let info = rules.to_offset_info(start);
    let wall = info.offset().to_datetime(start);
    let year = wall.year().min(1970);
    let kind = Kind {
        from: info.offset(),
        to: info.offset(),
        daylight: false,
        name: info.abbreviation().to_owned(),
    };
    let wall = Date::new(year, 1, 1).map_or(wall, |date| date.at(0, 0, 0, 0));
    (year, start, Some(Change { wall, kind }))
}

fn offset_before(rules: &TimeZone, at: Timestamp) -> Offset {
    rules.to_offset(at.checked_sub(1.second()).unwrap_or(at))
}

/// The changes in the years `first` to `last` on the wall before them.
fn changes(rules: &TimeZone, first: i16, last: i16) -> Vec<Change> {
    // A day earlier, for the wall's year may begin before the instant's.
    let Ok(from) = Date::new(first, 1, 1)
        .and_then(Date::yesterday)
        .and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)))
    else {
        return Vec::new();
    };
    rules
        .following(from)
        .map(|change| {
            let at = change.timestamp();
            let before = offset_before(rules, at);
            Change {
                wall: before.to_datetime(at),
                kind: Kind {
                    from: before,
                    to: change.offset(),
                    daylight: change.dst().is_dst(),
                    name: change.abbreviation().to_owned(),
                },
            }
        })
        .take_while(|change| change.wall.year() <= last)
        .filter(|change| change.wall.year() >= first && change.kind.from != change.kind.to)
        .collect()
}

/// A zone's changes as rules that hold for good.
struct Yearly {
    first_year: i16,
    /// The first change that each rule gives.
    rules: Vec<(Change, Rule)>,
}

impl Yearly {
    fn of(zone: &TimeZone, from_year: i16) -> Option<Self> {
        let settled = SETTLED.max(from_year);
        let cycle = changes(zone, settled, settled.checked_add(FULL_CYCLE - 1)?);
        let mut groups: BTreeMap<Kind, Vec<DateTime>> = BTreeMap::new();
        for change in cycle {
            groups.entry(change.kind).or_default().push(change.wall);
        }
        let mut candidates = Vec::new();
        for (kind, dates) in groups {
            candidates.push((kind, rule_of(&dates)?));
        }
        if candidates.is_empty() {
            return None;
        }
        // Walk back as long as the rules give exactly what happened.
        let mut first_year = None;
        let mut year = settled;
        let mut first = Vec::new();
        while year >= from_year {
            let Some(found) = fitting(zone, year, &candidates) else {
                break;
            };
            first = found;
            first_year = Some(year);
            year -= 1;
        }
        Some(Self {
            first_year: first_year?,
            rules: first,
        })
    }
}

/// The changes of `year` with their rules, if the rules give exactly those.
fn fitting(
    zone: &TimeZone,
    year: i16,
    rules: &[(Kind, (Rule, DateTime))],
) -> Option<Vec<(Change, Rule)>> {
    let actual = changes(zone, year, year);
    if actual.len() != rules.len() {
        return None;
    }
    actual
        .into_iter()
        .map(|change| {
            let (_, (rule, sample)) = rules.iter().find(|(kind, _)| *kind == change.kind)?;
            let begin = Date::new(year, 1, 1).ok()?.to_datetime(sample.time());
            let mut given: Vec<Onset> = Vec::new();
            // Begin well before, so that only the rule decides.
            let kind = &change.kind;
            Observance::of_rule(begin, kind.from, kind.to, rule.clone())
                .onsets(year, year, &mut given);
            let wanted = kind.from.to_timestamp(change.wall).ok()?;
            let start = kind.from.to_timestamp(begin).ok()?;
            given.retain(|onset| onset.at != start);
            (given.len() == 1 && given.iter().all(|onset| onset.at == wanted))
                .then(|| (change.clone(), rule.clone()))
        })
        .collect()
}

/// The yearly rule that gives these changes, one in each of [`FULL_CYCLE`] years.
fn rule_of(dates: &[DateTime]) -> Option<(Rule, DateTime)> {
    let sample = *dates.first()?;
    let alike = dates.iter().all(|date| {
        (date.month(), date.weekday(), date.time())
            == (sample.month(), sample.weekday(), sample.time())
    });
    if !alike || dates.len() != usize::try_from(FULL_CYCLE).ok()? {
        return None;
    }
    let least = dates.iter().map(|date| date.day()).min()?;
    let most = dates.iter().map(|date| date.day()).max()?;
    let day = Day::from(sample.weekday());
    let mut rule = Rule::new(Freq::Yearly);
    rule.by_month = vec![sample.month().unsigned_abs()];
    let last = dates
        .iter()
        .all(|date| date.day() + 7 > date.date().days_in_month());
    if last {
        rule.by_day = vec![(-1, day)];
    } else if let Some(week) = (0..4).find(|week| least > week * 7 && most <= week * 7 + 7) {
        rule.by_day = vec![(i16::from(week) + 1, day)];
    } else if most - least <= 6 {
        rule.by_day = vec![(0, day)];
        rule.by_month_day = (least..=most).collect();
    } else {
        return None;
    }
    Some((rule, sample))
}

fn explicit(kind: &Kind, dates: &[DateTime]) -> Component<'static> {
    let first = dates.first().copied().unwrap_or_default();
    let mut component = observance(kind, first);
    for date in dates.iter().skip(1) {
        component.push(Line::build(b"RDATE", write_wall(*date).as_bytes()));
    }
    component
}

fn observance(kind: &Kind, start: DateTime) -> Component<'static> {
    let name = if kind.daylight {
        "DAYLIGHT"
    } else {
        "STANDARD"
    };
    let mut component = Component::new(name);
    component.push(Line::build(b"DTSTART", write_wall(start).as_bytes()));
    component.push(Line::build(b"TZOFFSETFROM", offset(kind.from).as_bytes()));
    component.push(Line::build(b"TZOFFSETTO", offset(kind.to).as_bytes()));
    component.push(Line::build(b"TZNAME", kind.name.as_bytes()));
    component
}

/// `+0100`, with seconds only where there are any.
fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let all = seconds.unsigned_abs();
    let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60);
    if rest == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{rest:02}")
    }
}
