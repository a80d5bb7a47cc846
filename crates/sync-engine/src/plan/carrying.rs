//! What becomes of overrides when one side moved the master. The side that moved it is taken with
//! its overrides as they now are; an override that the other side changed meanwhile goes along: in
//! its place if the series still takes place there, by the same shift if that is constant under the
//! same rule, else the series is a conflict.

use jiff::ToSpan as _;

use super::Plan;
use super::contest::{Contest, Ruling};
use super::gathered::{Crossing, Gathered};
use super::merging::Merging;
use crate::model::{
    ComponentKey, Field, FieldSet, Fields, LocalTime, OverrideValue, RecurrenceId, Series, Side,
    When,
};
use crate::recurrence::Rule;
use crate::row::Row;
use crate::snapshot::inherited;

/// Decides about the overrides of a series that `mover` moved.
pub(super) fn moved(
    merging: &Merging<'_>,
    row: &Row,
    mover: Side,
    gathered: &mut Gathered,
    plan: &mut Plan,
) {
    let stays = mover.other();
    let apart = stays == Side::Google && merging.flows.google.target().exceptions_apart;
    let exceptions = merging.g.exceptions().next().is_some();
    if taken_back(merging, row, mover, gathered, plan) {
        return;
    }
    let mut carried = Vec::new();
    for key in merging.keys() {
        let ComponentKey::Override(id) = key else {
            continue;
        };
        let theirs = merging.party(stays).changed(&key).is_any();
        let ours = merging.party(mover).changed(&key).is_any();
        // What only words that do not cross tell from the master goes along on its own side.
        let party = merging.party(stays);
        let silent =
            !apart && party.now.own_fields(&key).is_some() && party.out.own_fields(&key).is_none();
        // The mover cannot have meant words that it never sees: gone with its move they go along, too.
        let gone = !merging.party(mover).now.overrides.contains_key(&id);
        if silent
            && (!ours || gone)
            && let Some(place) = place(merging, mover, id)
            // Unless the mover has something to say there itself.
            && !((ours || place.id != id)
                && merging.party(mover).out.overrides.contains_key(&place.id))
        {
            carried.push((id, place));
            continue;
        }
        if theirs && !merging.party(mover).keeps(&key, merging.party(stays)) {
            if ours {
                gathered.contested = true;
            }
            let ruling = match place(merging, mover, id) {
                _ if ours => merging.contest(row, key).settle(&FieldSet::new(), plan),
                Some(_) => Ruling::All(stays),
                // It is lost, and both versions are on record.
                None => merging.lost(row, key, mover).settle(&FieldSet::new(), plan),
            };
            match ruling {
                Ruling::Open => {
                    gathered.open = true;
                    continue;
                }
                Ruling::All(side) if side == stays => {
                    if let Some(place) = place(merging, mover, id) {
                        carried.push((id, place));
                        continue;
                    }
                }
                Ruling::All(_) | Ruling::Each(_) => {}
            }
        }
        if !(apart && exceptions) {
            gathered.cross(key, stays, Crossing::Whole);
        }
    }
    gathered.again = apart && (exceptions || !carried.is_empty());
    for (from, Place { id, told, own }) in carried {
        // The mover gets it; on the side that stays it is in its new place with the master's move.
        gathered.cross(ComponentKey::Override(id), mover, Crossing::Whole);
        gathered.carried.insert(id, Carried { mover, told, own });
        if !apart {
            gathered.cross(ComponentKey::Override(from), stays, Crossing::Whole);
            gathered.cross(ComponentKey::Override(id), stays, Crossing::Whole);
        }
    }
}

/// An override that the side which stays changed has no place after the move: then the series itself
/// is the conflict. Whether the move is taken back, or a person is to say.
fn taken_back(
    merging: &Merging<'_>,
    row: &Row,
    mover: Side,
    gathered: &mut Gathered,
    plan: &mut Plan,
) -> bool {
    let master = ComponentKey::Master;
    let stays = mover.other();
    let homeless = |key: &ComponentKey| {
        key.recurrence_id().is_some_and(|id| {
            merging.party(stays).changed(key).is_any()
                && !merging.party(mover).changed(key).is_any()
                && !merging.party(mover).keeps(key, merging.party(stays))
                && place(merging, mover, id).is_none()
        })
    };
    // Where both changed the master it is decided already.
    if merging.party(stays).changed(&master).is_any() || !merging.keys().iter().any(homeless) {
        return false;
    }
    gathered.contested = true;
    let both = FieldSet::from([Field::When]);
    let back = match merging.contest(row, master).settle(&both, plan) {
        Ruling::Open => {
            gathered.open = true;
            gathered.waits.insert(master);
            return true;
        }
        Ruling::All(side) => side == stays,
        Ruling::Each(sides) => sides.get(&Field::When) == Some(&stays),
    };
    if !back {
        return false;
    }
    // The series takes place as the side that stays has it, overrides and all. What else the mover
    // changed of it crosses.
    let mut others = match gathered.towards(stays).remove(&master) {
        Some(Crossing::Fields(fields)) => fields,
        Some(Crossing::Whole) => merging.party(mover).mask.clone(),
        None => FieldSet::new(),
    };
    others.remove(&Field::When);
    for field in others {
        gathered.cross_field(master, stays, field);
    }
    gathered.cross_field(master, mover, Field::When);
    let exceptions = merging.g.exceptions().next().is_some();
    gathered.again = mover == Side::Google && merging.apart(mover) && exceptions;
    if !gathered.again {
        for key in merging.keys() {
            if key != master {
                gathered.cross(key, mover, Crossing::Whole);
            }
        }
    }
    true
}

impl Merging<'_> {
    /// A contest that the side which moved the series has won: there is no place for the other's.
    fn lost<'b>(&'b self, row: &'b Row, key: ComponentKey, mover: Side) -> Contest<'b> {
        let why = "The series was moved, and does not take place there any more.";
        Contest {
            fixed: Some((mover, why)),
            ..self.contest(row, key)
        }
    }
}

/// An override in its place after the move.
struct Place {
    id: RecurrenceId,
    told: Option<OverrideValue>,
    own: Option<OverrideValue>,
}

/// An override that the side which did not move had changed.
#[derive(Debug)]
pub(super) struct Carried {
    /// The side that moved the master.
    pub(super) mover: Side,
    /// What that side is told; `None` where it was put back to what the series says.
    pub(super) told: Option<OverrideValue>,
    /// What it is in the words of the side that changed it.
    pub(super) own: Option<OverrideValue>,
}

impl super::party::Party<'_> {
    /// Whether this side shows of the component just what the other does.
    fn keeps(&self, key: &ComponentKey, other: &Self) -> bool {
        crate::diff::Standing::of(self.now, key) == crate::diff::Standing::of(&other.out, key)
    }
}

/// Where an override of the side that stays belongs after the move, and what it says there.
fn place(merging: &Merging<'_>, mover: Side, id: RecurrenceId) -> Option<Place> {
    let stays = merging.party(mover.other());
    let to = merging.party(mover).now.master.as_ref()?;
    let from = stays.now.master.as_ref()?;
    let given = merging.given(to);
    let new = if given.at(id) {
        id
    } else {
        let new = shifted(id, from, to)?;
        given.at(new).then_some(new)?
    };
    let there = |series: &Series| match series.overrides.get(&id) {
        Some(OverrideValue::Cancelled) => Some(OverrideValue::Cancelled),
        Some(OverrideValue::Fields(fields)) => {
            let mut fields = fields.as_ref().clone();
            let of_old = series.master.as_ref().map(|m| inherited(m, id).when);
            if Some(&fields.when) == of_old.as_ref() {
                fields.when = inherited(to, new).when;
            }
            Some(OverrideValue::Fields(Box::new(fields)))
        }
        // It was put back to what the series says: that is so after the move, too.
        None => None,
    };
    Some(Place {
        id: new,
        told: there(&stays.out),
        own: there(stays.now),
    })
}

/// The same occurrence after the whole series was shifted, if it was shifted evenly.
fn shifted(id: RecurrenceId, from: &Fields, to: &Fields) -> Option<RecurrenceId> {
    let endless = |fields: &Fields| {
        let rules = fields.recurrence.clone()?.rules.into_iter();
        Some(rules.map(Rule::endless).collect::<Vec<_>>())
    };
    if endless(from)? != endless(to)? {
        return None;
    }
    match (id, &from.when, &to.when) {
        (
            RecurrenceId::Wall(at),
            When::Timed { start: old, .. },
            When::Timed { start: new, .. },
        ) if old.zone == new.zone => {
            let by = between(old, new)?;
            Some(RecurrenceId::Wall(at.checked_add(by).ok()?))
        }
        (
            RecurrenceId::Date(at),
            When::AllDay { start: old, .. },
            When::AllDay { start: new, .. },
        ) => {
            let days = old.until(*new).ok()?.get_days();
            Some(RecurrenceId::Date(at.checked_add(days.days()).ok()?))
        }
        _ => None,
    }
}

fn between(old: &LocalTime, new: &LocalTime) -> Option<jiff::Span> {
    old.wall.until((jiff::Unit::Day, new.wall)).ok()
}
