//! Setting `when` on a stored component: start, end in the form it has, recurrence.

use std::collections::BTreeMap;

use sync_engine::model::time::Timestamp;
use sync_engine::model::{Fields, When, Zone, ZoneName};
use sync_engine::recurrence::Recurrence;

use super::field::{
    WITH_ALL_DAY, WITH_REPEATING, end_of_properties, kept_parameters, remove, replace,
};
use super::property::{ends, extra_dates, moment_line, plain};
use crate::component::{Component, Item};
use crate::line::Line;
use crate::read::{Moment, ReadContext, end_after, read_fields, read_time, read_when};
use crate::value::Duration;
use crate::zones::{Resolved, Zones};

/// What TZIDs mean in one object, and which zones came to be named.
pub(super) struct Names<'z> {
    pub(super) zones: &'z Zones,
    pub(super) context: &'z ReadContext<'z>,
    /// Zones that must be described, with the first moment they are needed for.
    pub(super) needed: BTreeMap<&'static str, (ZoneName, Timestamp)>,
}

impl Names<'_> {
    /// How a line spells the zone of `moment`, if it names that very zone; else the zone is noted
    /// as one to describe.
    pub(super) fn spelling(&mut self, line: Option<&Line<'_>>, moment: &Moment) -> Option<String> {
        let Moment::Time(time) = moment else {
            return None;
        };
        let Zone::Named(zone) = &time.zone else {
            return None;
        };
        if zone.is_utc() {
            return None;
        }
        let tzid = line.and_then(|line| line.parameter_text("TZID"));
        if let Some(tzid) = tzid
            && let Resolved::Zone(own) = self.zones.resolve(&tzid)
            && own == *zone
        {
            return Some(tzid);
        }
        let at = time.instant(zone);
        let needed = self
            .needed
            .entry(zone.as_str())
            .or_insert_with(|| (zone.clone(), at));
        needed.1 = needed.1.min(at);
        None
    }

    /// A line for `moment` in the place of that property's line, or, for a new one, in the manner
    /// of the line named `like`.
    pub(super) fn line(
        &mut self,
        component: &Component<'_>,
        name: &str,
        like: &str,
        moment: &Moment,
    ) -> Line<'static> {
        let kept = kept_parameters(component, name, &["VALUE", "TZID"]);
        let model = component
            .first(name)
            .filter(|line| line.parameter("TZID").is_some())
            .or_else(|| component.first(like));
        let spelling = self.spelling(model, moment);
        moment_line(name, moment, spelling.as_deref(), &kept)
    }

    /// A further line beside those of the same name: in the manner of DTSTART, with no parameters
    /// but the moment's.
    pub(super) fn fresh(
        &mut self,
        component: &Component<'_>,
        name: &str,
        moment: &Moment,
    ) -> Line<'static> {
        let spelling = self.spelling(component.first("DTSTART"), moment);
        moment_line(name, moment, spelling.as_deref(), &[])
    }

    /// What a line's value says now.
    fn read(&self, line: Option<&Line<'_>>) -> Option<Moment> {
        let line = line?;
        let time = read_time(line, &line.value(), self.zones).ok()?;
        Some(time.moment)
    }
}

/// Gives `component` the wanted when, and a master the wanted recurrence. Says whether anything had
/// to be written.
pub(super) fn set_when(
    component: &mut Component<'_>,
    wanted: &Fields,
    names: &mut Names<'_>,
) -> bool {
    let is_override = component.first("RECURRENCE-ID").is_some();
    let read = read_fields(component, names.zones, names.context).ok();
    // Rules of nobody give no zone to repeat in.
    let anew = wanted.recurrence.is_some() && read.as_ref().is_some_and(|(_, by_rules)| *by_rules);
    let before = read.map(|(fields, _)| fields);
    let was_all_day = before.as_ref().map(|fields| fields.when.is_all_day());
    let turned = was_all_day.is_some_and(|was| was != wanted.when.is_all_day());
    let moved = set_start(component, wanted, anew, names);
    let mut changed = moved;
    changed |= set_end(component, &wanted.when, (turned || anew, moved), names);
    if !is_override {
        let repeated = before.is_some_and(|fields| fields.recurrence.is_some());
        changed |= set_recurrence(component, wanted, turned, names);
        if repeated != wanted.recurrence.is_some() {
            for name in WITH_REPEATING {
                remove(component, name);
            }
        }
    }
    if turned {
        for name in WITH_ALL_DAY {
            remove(component, name);
        }
    }
    changed
}

fn set_start(
    component: &mut Component<'_>,
    wanted: &Fields,
    anew: bool,
    names: &mut Names<'_>,
) -> bool {
    let (start, _) = ends(&wanted.when);
    if !anew && names.read(component.first("DTSTART")) == Some(start.clone()) {
        return false;
    }
    let line = names.line(component, "DTSTART", "DTSTART", &start);
    replace(component, "DTSTART", vec![line]);
    true
}

/// Gives the component the wanted end. `anew`: whatever stands there is written again; `moved`: the
/// start was just written.
fn set_end(
    component: &mut Component<'_>,
    wanted: &When,
    (anew, moved): (bool, bool),
    names: &mut Names<'_>,
) -> bool {
    let (_, end) = ends(wanted);
    // An end that the start has just passed reads as none, which may be the very length that is
    // wanted: after a move a DTEND must say it itself.
    let stands = match component.first("DTEND") {
        Some(line) if moved => names.read(Some(line)).as_ref() == Some(&end),
        _ => read_when(component, names.zones).is_ok_and(|(when, _)| when == *wanted),
    };
    if !anew && stands {
        return false;
    }
    let only_duration = component.first("DURATION").is_some() && component.first("DTEND").is_none();
    if only_duration && let Some(duration) = duration_of(wanted) {
        replace(
            component,
            "DURATION",
            vec![plain("DURATION", &duration.to_string())],
        );
        return true;
    }
    let line = names.line(component, "DTEND", "DTSTART", &end);
    remove(component, "DURATION");
    if component.first("DTEND").is_some() {
        replace(component, "DTEND", vec![line]);
    } else {
        let start = component
            .items
            .iter()
            .position(|item| matches!(item, Item::Line(line) if line.is("DTSTART")));
        let at = start.map_or_else(|| end_of_properties(component), |start| start + 1);
        component.items.insert(at, Item::Line(line));
    }
    true
}

/// The DURATION that says this length, if one does.
fn duration_of(when: &When) -> Option<Duration> {
    match when {
        When::AllDay { start, end } => Some(Duration {
            days: start.until(*end).ok()?.get_days(),
            seconds: 0,
        }),
        When::Timed { start, end } => {
            let utc = ZoneName::utc();
            let exact = end.instant(&utc).duration_since(start.instant(&utc));
            let on_wall = end.wall.duration_since(start.wall).as_secs();
            let days = (on_wall > 0 && on_wall % 86_400 == 0).then_some(Duration {
                days: i32::try_from(on_wall / 86_400).unwrap_or(i32::MAX),
                seconds: 0,
            });
            let exactly = Duration {
                days: 0,
                seconds: exact.as_secs(),
            };
            days.into_iter()
                .chain([exactly])
                .find(|duration| end_after(start, *duration) == *end)
        }
    }
}

fn set_recurrence(
    component: &mut Component<'_>,
    wanted: &Fields,
    turned: bool,
    names: &mut Names<'_>,
) -> bool {
    let now = recurrence_now(component, names);
    let wanted = match &wanted.recurrence {
        Some(recurrence) => recurrence.normalized(&wanted.when),
        None => Recurrence::default(),
    };
    let mut changed = false;
    // An UNTIL is of the start's type: where that changes, rules are written anew.
    if now.rules != wanted.rules || (turned && !wanted.rules.is_empty()) {
        let lines = wanted.rules.iter();
        let lines = lines.map(|rule| plain("RRULE", &rule.to_string()));
        replace(component, "RRULE", lines.collect());
        changed = true;
    }
    if now.dates != wanted.dates || (turned && !wanted.dates.is_empty()) {
        let start = component.first("DTSTART").cloned();
        let lines = extra_dates(&wanted, &mut |at| names.spelling(start.as_ref(), at));
        replace(component, "RDATE", lines);
        changed = true;
    }
    // Read again: an EXRULE that took nothing away wakes up when the event begins to repeat.
    if recurrence_now(component, names).exclusion_rules != wanted.exclusion_rules {
        let lines = wanted.exclusion_rules.iter();
        let lines = lines.map(|rule| plain("EXRULE", &rule.to_string()));
        replace(component, "EXRULE", lines.collect());
        changed = true;
    }
    changed
}

/// What the component's rules and dates say now.
fn recurrence_now(component: &Component<'_>, names: &Names<'_>) -> Recurrence {
    read_fields(component, names.zones, names.context)
        .ok()
        .and_then(|(fields, _)| fields.recurrence)
        .unwrap_or_default()
}
