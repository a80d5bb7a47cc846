//! People who edit the CalDAV calendar.

use jiff::ToSpan as _;
use sync_engine::mapping::Direction;
use sync_engine::model::{
    Fields, LocalTime, OverrideValue, RecurrenceId, Sensitivity, Series, Side, Status,
    Transparency, When, ZoneName,
};
use sync_engine::projection::expand::is_occurrence;
use sync_engine::recurrence::inherited_when;

use super::dice::Dice;
use super::harness::event;
use super::secrets;
use super::world::{Both, own};

pub(crate) fn later(when: &When, hours: i64) -> When {
    match when {
        When::AllDay { start, end } => When::AllDay {
            start: *start + (hours % 3).days(),
            end: *end + (hours % 3).days(),
        },
        When::Timed { start, end } => {
            let moved = |time: &LocalTime| {
                LocalTime::new(
                    time.wall.checked_add(hours.hours()).unwrap(),
                    time.zone.clone(),
                )
            };
            When::Timed {
                start: moved(start),
                end: moved(end),
            }
        }
    }
}

/// The overrides of a series whose start moved, moved with it as clients do, or left behind as
/// sloppy ones do (an override whose id is gone is one more event).
fn carried(dice: &mut Dice, series: &Series, hours: i64) -> Series {
    let mut out = Series {
        master: series.master.clone(),
        ..Series::default()
    };
    if dice.one_in(3) {
        return out;
    }
    for (id, value) in &series.overrides {
        let id = match id {
            RecurrenceId::Wall(wall) => {
                RecurrenceId::Wall(wall.checked_add(hours.hours()).unwrap())
            }
            RecurrenceId::Date(date) => RecurrenceId::Date(*date + (hours % 3).days()),
        };
        out.overrides.insert(id, value.clone());
    }
    out
}

fn inherited(master: &Fields, id: RecurrenceId) -> Fields {
    Fields {
        when: inherited_when(master, id),
        recurrence: None,
        ..master.clone()
    }
}

/// A person edits an event, deletes one, or makes a new one.
pub(crate) fn edit(dice: &mut Dice, both: &Both) {
    dice.pen = secrets::pen(Side::Caldav);
    let all = both.dav.all();
    let copies_only = both.for_good == Some(Direction::GoogleToCaldav);
    let nth = dice.index(if copies_only {
        all.len().max(1)
    } else {
        4.max(all.len())
    });
    let Some((name, series)) = all.iter().nth(nth) else {
        let name = format!("e{}", dice.roll(1_000_000));
        dice.plain = false;
        both.person_puts(&name, &Series::single(dice.fields()));
        return;
    };
    let mut series = series.clone();
    let Some(master) = series.master.clone() else {
        return;
    };
    let is_copy = name.starts_with("cds1");
    // What Google made, Google has to hold.
    dice.plain = is_copy && !copies_only;
    match dice.roll(18) {
        0 => return both.person_removes(name),
        1 => series = Series::single(dice.fields()),
        2 => series.master.as_mut().unwrap().title = dice.text(),
        3..=5 => {
            if let Some(id) = dice.occurrence(&series) {
                let changed = Fields {
                    title: dice.text(),
                    ..inherited(&master, id)
                };
                series.overrides.insert(id, own(changed));
            }
        }
        6 | 7 => {
            if let Some(id) = dice.occurrence(&series) {
                let mut changed = inherited(&master, id);
                changed.when = later(&changed.when, 1 + i64::from(dice.small(30)));
                series.overrides.insert(id, own(changed));
            }
        }
        8 | 9 => {
            if let Some(id) = dice.occurrence(&series) {
                series.overrides.insert(id, OverrideValue::Cancelled);
            }
        }
        10 | 11 => {
            let ids: Vec<_> = series.overrides.keys().copied().collect();
            if !ids.is_empty() {
                series.overrides.remove(dice.pick(&ids));
            }
        }
        12 => {
            let hours = 1 + i64::from(dice.small(4));
            series = carried(dice, &series, hours);
            let master = series.master.as_mut().unwrap();
            master.when = later(&master.when, hours);
        }
        13 => {
            // Another rule, the same start: overrides stay where they still mean something.
            let plain = Fields {
                recurrence: None,
                ..master
            };
            let ruled = dice.ruled(plain);
            let keep = ruled.recurrence.is_some();
            series.master = Some(ruled);
            if !keep {
                series.overrides.clear();
            }
        }
        14 => {
            // Whole days to times and back.
            let day = |wall: jiff::civil::DateTime| wall.date();
            let when = match &master.when {
                When::AllDay { start, .. } => event("", &format!("{start}T09:00:00")).when,
                When::Timed { start, .. } => When::all_day(day(start.wall), None),
            };
            let recurrence = master.recurrence.clone().filter(|recurrence| {
                !matches!(when, When::AllDay { .. }) || !recurrence.is_sub_daily()
            });
            series = Series::single(Fields {
                when,
                recurrence,
                ..master
            });
        }
        15 => {
            let master = series.master.as_mut().unwrap();
            match dice.roll(4) {
                0 => master.description = dice.text(),
                1 => master.location = dice.text(),
                2 => master.location = "".into(),
                _ => {
                    master.transparency = match master.transparency {
                        Transparency::Busy => Transparency::Free,
                        Transparency::Free => Transparency::Busy,
                    }
                }
            }
        }
        16 if !is_copy && dice.one_in(3) => {
            // Another href, the same UID.
            return both.person_moves(name, &format!("m{}", dice.roll(1_000_000)));
        }
        // A copy that is called off on its side: see the cases.
        _ if is_copy && !copies_only => {}
        _ => {
            let status = &mut series.master.as_mut().unwrap().status;
            *status = match status {
                Status::Cancelled => Status::Confirmed,
                _ => Status::Cancelled,
            };
        }
    }
    if dice.plain {
        fitting(&mut series);
    }
    both.person_puts(name, &series);
}

/// A person says that an event or an occurrence is private, or that it is not any more.
pub(crate) fn classify(dice: &mut Dice, both: &Both) {
    let all = both.dav.all();
    if all.is_empty() {
        return;
    }
    let (name, series) = all.iter().nth(dice.index(all.len())).unwrap();
    let mut series = series.clone();
    let overrides = series.overrides.values_mut();
    let own = overrides.filter_map(|value| match value {
        OverrideValue::Fields(fields) => Some(fields.as_mut()),
        OverrideValue::Cancelled => None,
    });
    let mut components: Vec<&mut Fields> = series.master.iter_mut().chain(own).collect();
    if components.is_empty() {
        return;
    }
    let nth = dice.index(components.len());
    let sensitivity = &mut components[nth].sensitivity;
    *sensitivity = match sensitivity {
        Sensitivity::Public => Sensitivity::Private,
        _ => Sensitivity::Public,
    };
    both.person_puts(name, &series);
}

/// Only overrides of what the rule gives: of others Google could not hold any.
fn fitting(series: &mut Series) {
    let berlin = ZoneName::new("Europe/Berlin").unwrap();
    let Some(master) = series.master.clone() else {
        return;
    };
    series
        .overrides
        .retain(|id, _| is_occurrence(&master, *id, &berlin));
}
