//! One side of a series that both sides have: what it shows, what it showed when both agreed, and
//! both as the other side may know them. Decides nothing; `merging` asks.

use super::compare::alike;
use super::flow::Flow;
use crate::diff::{self, Standing, differing};
use crate::mapping::{Direction, Mapping};
use crate::model::{
    ComponentKey, Field, FieldSet, Fields, OverrideValue, Sensitivity, Series, SideTag, When, Zone,
    ZoneName,
};
use crate::projection::{Privacy, PrivateEvents, Projected, Shaped};
use crate::recurrence::Given;
use crate::row::Row;
use crate::snapshot::{Snapshot, inherited};

/// One side of a series.
pub(super) struct Party<'a> {
    /// What it shows.
    pub(super) now: &'a Series,
    /// What it showed when both agreed.
    pub(super) echo: Series,
    /// What it shows, as the other side may know it.
    pub(super) out: Series,
    /// What it showed when both agreed, as the other side may know it.
    pub(super) had: Series,
    /// The fields of this side that may cross.
    pub(super) mask: FieldSet,
}

/// What a side changed of a component since both agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    /// Nothing that crosses.
    Not,
    /// These fields.
    Fields(FieldSet),
    /// What it is: none, called off, fields of its own.
    Whole,
}

impl Changed {
    pub(super) fn is_any(&self) -> bool {
        *self != Self::Not
    }
}

impl Party<'_> {
    /// What this side changed of a component.
    pub(super) fn changed(&self, key: &ComponentKey) -> Changed {
        let (want, had) = (Standing::of(&self.out, key), Standing::of(&self.had, key));
        match (&want, &had) {
            (Standing::Own(want), Standing::Own(had)) => {
                let set: FieldSet = differing(want, had)
                    .intersection(&self.mask)
                    .copied()
                    .collect();
                if set.is_empty() {
                    Changed::Not
                } else {
                    Changed::Fields(set)
                }
            }
            (want, had) if alike(want, had) => Changed::Not,
            _ => Changed::Whole,
        }
    }

    /// Whether anything changed.
    pub(super) fn changed_at_all(&self) -> bool {
        self.keys().iter().any(|key| self.changed(key).is_any())
    }

    /// Every component that any of the states knows.
    pub(super) fn keys(&self) -> Vec<ComponentKey> {
        let all = [self.now, &self.echo, &self.out, &self.had];
        let mut keys: Vec<ComponentKey> = all
            .into_iter()
            .flat_map(|series| series.overrides.keys())
            .map(|id| ComponentKey::Override(*id))
            .collect();
        keys.push(ComponentKey::Master);
        keys
    }

    /// Whether nothing but words that do not cross tells this override from its master.
    pub(super) fn says_by_words(&self, key: &ComponentKey) -> bool {
        let (Some(id), Some(own), Some(master)) = (
            key.recurrence_id(),
            self.now.own_fields(key),
            self.now.master.as_ref(),
        ) else {
            return false;
        };
        let says = differing(own, &inherited(master, id));
        !says.is_empty() && says.is_disjoint(&self.mask)
    }

    /// Whether this side changed the master's time, which carries its overrides along.
    pub(super) fn moved(&self) -> bool {
        match self.changed(&ComponentKey::Master) {
            Changed::Fields(set) => set.contains(&Field::When),
            Changed::Not | Changed::Whole => false,
        }
    }
}

/// Looks at side `X` of a series, with `to` leading to the other side; `None` if it has no presence
/// there.
pub(super) fn party<'a, X: SideTag, Y: SideTag>(
    to: &Flow<'_, Y>,
    row: &Row,
    x: &'a Snapshot<X>,
    other: &Series,
) -> Option<Party<'a>> {
    let echo = echo::<X>(row);
    let other_echo = self::echo::<Y>(row);
    let mask = mask::<X, Y>(
        to,
        row,
        hides(to.mapping, &x.series) || hides(to.mapping, other),
    );
    let out = match to.projection.shape(&x.series) {
        Shaped::Series(out) => {
            let out = worded(out.series().clone(), &x.series, other, &mask, to);
            afloat(masked(out, other, &mask, to), other, to)
        }
        // None of its single events is left.
        Shaped::Nothing if x.keys.is_empty() => Series::default(),
        Shaped::Nothing => return None,
    };
    let had = match to.projection.shape(&echo) {
        Shaped::Series(had) => {
            let had = worded(had.series().clone(), &echo, &other_echo, &mask, to);
            afloat(masked(had, &other_echo, &mask, to), &other_echo, to)
        }
        Shaped::Nothing => Series::default(),
    };
    Some(Party {
        now: &x.series,
        echo,
        out,
        had,
        mask,
    })
}

/// What side `X` showed when both agreed.
pub(super) fn echo<X: SideTag>(row: &Row) -> Series {
    row.link::<X>()
        .map(|link| link.echo.clone())
        .unwrap_or_default()
}

/// The fields that may cross from `X` to `Y`. What a privacy rule shapes on its way to the protected
/// side is in a copy there only: it never comes back from one, and is never written over what a
/// person wrote there.
fn mask<X: SideTag, Y: SideTag>(to: &Flow<'_, Y>, row: &Row, hidden: bool) -> FieldSet {
    let mut mask: FieldSet = Field::ALL.into_iter().collect();
    let shaped = ruled(to.mapping, hidden);
    let from_a_copy = to.mapping.protects(X::SIDE) && row.copy == Some(X::SIDE);
    let onto_a_native = to.mapping.protects(Y::SIDE) && row.copy != Some(Y::SIDE);
    if from_a_copy || onto_a_native {
        mask.retain(|field| !shaped.contains(field));
    }
    if !to.target().visibility || row.copy != Some(Y::SIDE) {
        mask.remove(&Field::Visibility);
    }
    mask
}

/// What a person wrote over in a copy and what has no way back from there: it stays, until what it
/// stands for changes. Where copies are put back (one way), nothing does.
pub(super) fn stays<Y: SideTag>(to: &Flow<'_, Y>, row: &Row, source: &Series) -> FieldSet {
    let mapping = to.mapping;
    let both = mapping.direction == Direction::Bidirectional;
    if both && mapping.protects(Y::SIDE) && row.copy == Some(Y::SIDE) {
        ruled(mapping, hides(mapping, source))
    } else {
        FieldSet::new()
    }
}

/// The fields that a rule shapes on their way to the protected side.
pub(super) fn ruled(mapping: &Mapping, hidden: bool) -> FieldSet {
    if hidden { texts() } else { shaped(mapping) }
}

/// Every core field.
pub(super) fn every() -> FieldSet {
    Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Visibility)
        .collect()
}

/// Whether a private event says no more than "Busy" on the other side.
pub(super) fn hides(mapping: &Mapping, series: &Series) -> bool {
    mapping.private_events == PrivateEvents::Busy && is_private(series)
}

/// Whether something of a series is private.
pub(super) fn is_private(series: &Series) -> bool {
    let private = |fields: &Fields| fields.sensitivity != Sensitivity::Public;
    let onward = series.recurring_master();
    let mut onward = onward.iter().flat_map(|(_, repeats)| &repeats.onward);
    series.master.as_ref().is_some_and(private)
        || onward.any(|onward| private(&onward.fields))
        || series.overrides.values().any(|value| match value {
            OverrideValue::Fields(fields) => private(fields),
            OverrideValue::Cancelled => false,
        })
}

/// The fields that are text.
pub(super) fn texts() -> FieldSet {
    [Field::Title, Field::Description, Field::Location].into()
}

/// The fields that the mapping's privacy rule shapes.
pub(super) fn shaped(mapping: &Mapping) -> FieldSet {
    match &mapping.privacy {
        Privacy::Full => FieldSet::new(),
        Privacy::Busy => texts(),
        Privacy::Template(template) => {
            let mut shaped = FieldSet::new();
            if template.title != "{title}" {
                shaped.insert(Field::Title);
            }
            if !template.description {
                shaped.insert(Field::Description);
            }
            if !template.location {
                shaped.insert(Field::Location);
            }
            shaped
        }
    }
}

/// Overrides that only words that do not cross tell from their master are none once it is shaped.
/// Where the other side has an override as well it is one of the same, with words of its own.
fn worded<Y: SideTag>(
    mut out: Series,
    shows: &Series,
    other: &Series,
    mask: &FieldSet,
    to: &Flow<'_, Y>,
) -> Series {
    if every().is_subset(mask) {
        return out;
    }
    for (id, value) in &shows.overrides {
        if let (OverrideValue::Fields(fields), Some(OverrideValue::Fields(_))) =
            (value, other.overrides.get(id))
        {
            let shaped = || OverrideValue::Fields(Box::new(to.projection.fields(fields)));
            out.overrides.entry(*id).or_insert_with(shaped);
        }
    }
    out
}

/// Puts what the other side shows in place of what may not cross.
fn masked<Y: SideTag>(
    mut out: Series,
    other: &Series,
    mask: &FieldSet,
    to: &Flow<'_, Y>,
) -> Series {
    let kept: Vec<Field> = Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Visibility && !mask.contains(field))
        .collect();
    if kept.is_empty() {
        return out;
    }
    if let (Some(master), Some(theirs)) = (&mut out.master, &other.master) {
        for field in &kept {
            diff::copy(*field, theirs, master);
        }
    }
    for (id, value) in &mut out.overrides {
        let theirs = Standing::of(other, &ComponentKey::Override(*id));
        let of_master = other.master.as_ref().map(|master| inherited(master, *id));
        let theirs = theirs.fields().or(of_master.as_ref());
        if let (OverrideValue::Fields(fields), Some(theirs)) = (value, theirs) {
            for field in &kept {
                diff::copy(*field, theirs, fields);
            }
        }
    }
    drop_inherited(&mut out, to.floating);
    out
}

/// Overrides that say what their master says are none.
pub(super) fn drop_inherited(series: &mut Series, floating: &ZoneName) {
    let Some(master) = &series.master else {
        return;
    };
    let given = Given::of(master, floating);
    series.overrides.retain(|id, value| match value {
        OverrideValue::Cancelled => true,
        OverrideValue::Fields(fields) => **fields != inherited(master, *id) || !given.at(*id),
    });
}

/// What floats on the other side goes back floating: there it stands for the mapping's zone.
fn afloat<Y: SideTag>(mut out: Series, other: &Series, to: &Flow<'_, Y>) -> Series {
    let floats = |key: &ComponentKey| {
        let shows = Standing::of(other, key);
        shows
            .fields()
            .is_some_and(|fields| fields.when.zone() == Some(&Zone::Floating))
    };
    if let Some(master) = out
        .master
        .as_mut()
        .filter(|_| floats(&ComponentKey::Master))
    {
        float(master, to.floating);
    }
    for (id, value) in &mut out.overrides {
        if let OverrideValue::Fields(fields) = value
            && floats(&ComponentKey::Override(*id))
        {
            float(fields, to.floating);
        }
    }
    out
}

fn float(fields: &mut Fields, zone: &ZoneName) {
    if let When::Timed { start, end } = &mut fields.when
        && start.zone == Zone::Named(zone.clone())
        && end.zone == start.zone
    {
        start.zone = Zone::Floating;
        end.zone = Zone::Floating;
        let when = fields.when.clone();
        fields.recurrence = fields.recurrence.take().map(|r| r.normalized(&when));
    }
}

/// The series as its side is to show it: written as it stands, no projection is asked again.
pub(super) fn projected(series: Series) -> Projected {
    Projected::of_target(series)
}
