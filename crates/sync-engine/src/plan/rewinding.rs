//! What a series looks like with a run's changes taken out of it again, field by field: what the run
//! wrote and what nobody changed since. Decides no writes; `undoing` asks.
//!
//! What was there before was recorded under the settings of its day. It goes back shaped by those of
//! now (P9), and over what a person wrote on the protected side a ruled text does not go back at all.

use std::collections::BTreeSet;

use super::flow::Flow;
use super::operation::{Operation, Value, Write};
use super::party;
use crate::diff::{self, Standing, differing};
use crate::model::{ComponentKey, Field, FieldSet, Fields, OverrideValue, Series, Side, SideTag};
use crate::ports::side::Change;
use crate::recurrence::Given;
use crate::row::Row;

/// One write of the run that is taken back.
pub(super) struct Past<'a> {
    /// What the side showed before; nothing for a creation.
    pub(super) before: Option<&'a Series>,
    /// What it showed of the written components afterwards.
    pub(super) left: Series,
    /// What was written of which component.
    pub(super) changes: Vec<(ComponentKey, &'a Change)>,
}

/// What a write leaves behind as far as what was sent tells.
pub(crate) fn sent<B: SideTag>(operation: &Operation<B>) -> Series {
    match &operation.write {
        Write::Create(create) => {
            let mut left = create.series.series().clone();
            if B::SIDE == Side::Google {
                // Exceptions are written by themselves afterwards.
                left.overrides
                    .retain(|_, value| *value == OverrideValue::Cancelled);
            }
            left
        }
        Write::Update(update) => {
            let mut left = operation.before.as_deref().cloned().unwrap_or_default();
            let want = update.series.series();
            for change in &update.changes {
                let sent = Standing::of(want, &change.key);
                match &change.change {
                    Change::Set(set) => {
                        if let (Some(sent), Some(left)) =
                            (sent.fields(), left.fields_mut(&change.key))
                        {
                            for field in set {
                                diff::copy(*field, sent, left);
                            }
                        }
                    }
                    Change::Add | Change::Cancel | Change::Inherit => {
                        put(&mut left, &change.key, sent);
                    }
                }
            }
            left
        }
        Write::Remove(_) => Series::default(),
    }
}

/// Puts what stands somewhere in place of what stands here.
fn put(series: &mut Series, key: &ComponentKey, standing: Standing) {
    let value = match (key, standing) {
        (ComponentKey::Master, Standing::Own(fields)) => Some(Value::Master(fields)),
        (ComponentKey::Override(_), Standing::Own(fields)) => {
            Some(Value::Override(OverrideValue::Fields(fields)))
        }
        (_, Standing::Cancelled) => Some(Value::Override(OverrideValue::Cancelled)),
        _ => None,
    };
    series.take(key, value);
}

/// What a run created: all of its writes one after the other.
pub(super) fn made(past: &[Past<'_>]) -> Series {
    let mut made = Series::default();
    for past in past.iter().rev() {
        if past.changes.is_empty() {
            made = past.left.clone();
        }
        for (key, _) in &past.changes {
            put(&mut made, key, Standing::of(&past.left, key));
        }
    }
    made
}

/// Whether two series show the same of every component.
pub(super) fn shows_same(a: &Series, b: &Series) -> bool {
    let ids = a.overrides.keys().chain(b.overrides.keys());
    let mut keys = ids.map(|id| ComponentKey::Override(*id));
    keys.all(|key| unchanged(&Standing::of(a, &key), &Standing::of(b, &key)))
        && unchanged(
            &Standing::of(a, &ComponentKey::Master),
            &Standing::of(b, &ComponentKey::Master),
        )
}

/// Whether a component stands as it was left; what it inherits is its master's matter.
fn unchanged(left: &Standing, now: &Standing) -> bool {
    match (left, now) {
        (Standing::Own(left), Standing::Own(now)) => differing(left, now).is_empty(),
        (left, now) => super::compare::alike(left, now),
    }
}

/// A series with a run's changes taken out of it.
pub(super) struct Rewound {
    /// What the side is to show.
    pub(super) series: Series,
    /// Whether something that the run wrote is left as it is.
    pub(super) kept: bool,
}

/// Takes `past` (newest first) out of what the side shows `now`.
pub(super) fn rewound<B: SideTag>(
    veil: &Veil<'_, '_, B>,
    past: &[Past<'_>],
    now: &Series,
) -> Rewound {
    let rewind = |when_stays: bool| {
        let mut rewinding = Rewinding {
            series: now.clone(),
            kept: Kept::default(),
            when_stays,
        };
        for past in past {
            for (key, change) in &past.changes {
                rewinding.take_back(past, key, change);
            }
        }
        rewinding
    };
    let mut done = rewind(false);
    if done
        .kept
        .fields
        .contains(&(ComponentKey::Master, Field::When))
        || displaces(&done.series, now, veil.flow)
    {
        // Overrides go by their master's time. Where that stays, what the run did to them does too.
        done = rewind(true);
    }
    let kept = !done.kept.fields.is_empty() || !done.kept.whole.is_empty();
    let withheld = veil.over(&mut done.series, now);
    Rewound {
        series: done.series,
        kept: kept || withheld,
    }
}

/// Whether overrides that stay would have no occurrence any more.
fn displaces<B: SideTag>(series: &Series, now: &Series, flow: &Flow<'_, B>) -> bool {
    let (Some(back), Some(master)) = (&series.master, &now.master) else {
        return false;
    };
    if diff::same(Field::When, back, master) {
        return false;
    }
    let (then, given) = (
        Given::of(back, flow.floating),
        Given::of(master, flow.floating),
    );
    let mut stay = series
        .overrides
        .keys()
        .filter(|id| now.overrides.contains_key(id));
    stay.any(|id| given.at(*id) && !then.at(*id))
}

/// What changed since the run, and is left.
#[derive(Default)]
struct Kept {
    fields: BTreeSet<(ComponentKey, Field)>,
    whole: BTreeSet<ComponentKey>,
}

struct Rewinding {
    series: Series,
    kept: Kept,
    /// The master's time is not taken back, nor what came with it.
    when_stays: bool,
}

impl Rewinding {
    fn take_back(&mut self, past: &Past<'_>, key: &ComponentKey, change: &Change) {
        let nothing = Series::default();
        let before = Standing::of(past.before.unwrap_or(&nothing), key);
        let left = Standing::of(&past.left, key);
        match change {
            Change::Set(set) => self.take_fields_back(&before, &left, key, set),
            Change::Add | Change::Cancel | Change::Inherit => {
                let stands = !self.when_stays
                    && !self.is_kept(key)
                    && unchanged(&left, &Standing::of(&self.series, key));
                if stands {
                    put(&mut self.series, key, before);
                } else {
                    self.kept.whole.insert(*key);
                }
            }
        }
    }

    fn take_fields_back(
        &mut self,
        before: &Standing,
        left: &Standing,
        key: &ComponentKey,
        set: &FieldSet,
    ) {
        let silent = |standing: &Standing| matches!(standing, Standing::Inherit(_));
        if silent(before) && silent(&Standing::of(&self.series, key)) {
            // Written along with its master, and it goes back along with it.
            return;
        }
        let known = (before.fields(), left.fields());
        let (Some(now), (Some(before), Some(left))) = (self.series.fields_mut(key), known) else {
            self.kept.whole.insert(*key);
            return;
        };
        for field in set {
            let at = (*key, *field);
            let stays = *field == Field::When && *key == ComponentKey::Master && self.when_stays;
            if stays || self.kept.fields.contains(&at) || !diff::same(*field, now, left) {
                self.kept.fields.insert(at);
            } else {
                diff::copy(*field, before, now);
            }
        }
    }

    fn is_kept(&self, key: &ComponentKey) -> bool {
        self.kept.whole.contains(key) || self.kept.fields.iter().any(|(of, _)| of == key)
    }
}

/// What the settings of now make of what goes back.
pub(super) struct Veil<'a, 'b, B: SideTag> {
    pub(super) flow: &'a Flow<'b, B>,
    pub(super) row: &'a Row,
    /// What the other side shows of it, or showed last.
    pub(super) source: Option<&'a Series>,
}

impl<B: SideTag> Veil<'_, '_, B> {
    /// Shapes what of `series` is not what the side shows `now`. Says whether something had to stay.
    fn over(&self, series: &mut Series, now: &Series) -> bool {
        let mut withheld = false;
        let mut keys: Vec<ComponentKey> = series
            .overrides
            .keys()
            .map(|id| ComponentKey::Override(*id))
            .collect();
        keys.push(ComponentKey::Master);
        for key in keys {
            let shows = Standing::of(now, &key);
            let Some(fields) = series.own_fields(&key) else {
                continue;
            };
            if matches!(&shows, Standing::Own(shows) if differing(shows, fields).is_empty()) {
                continue;
            }
            let shaped = self.shaped(&key, fields, shows.fields().or(now.master.as_ref()));
            let Some((mut shaped, stays)) = shaped else {
                withheld = true;
                put(series, &key, shows);
                continue;
            };
            withheld |= stays;
            // What the run did not write is not written for the rule's sake either.
            if let Standing::Own(shows) = &shows {
                for field in Field::ALL {
                    if diff::same(field, shows, fields) {
                        diff::copy(field, shows, &mut shaped);
                    }
                }
            }
            if let Some(fields) = series.fields_mut(&key) {
                *fields = shaped;
            }
        }
        withheld
    }

    /// A whole series that the side does not have any more; `None` if it must not be there.
    pub(super) fn whole(&self, before: &Series) -> Option<Series> {
        let mut series = before.clone();
        if self.row.copy != Some(B::SIDE) {
            // Its own people's: as in a plan that makes it again, it is what it was.
            return Some(series);
        }
        let master = series.master.as_ref()?;
        series.master = Some(self.shaped(&ComponentKey::Master, master, None)?.0);
        for (id, value) in &mut series.overrides {
            if let OverrideValue::Fields(fields) = value {
                let shaped = self.shaped(&ComponentKey::Override(*id), fields, None);
                *value = shaped.map_or(OverrideValue::Cancelled, |(shaped, _)| {
                    OverrideValue::Fields(Box::new(shaped))
                });
            }
        }
        party::drop_inherited(&mut series, self.flow.floating);
        Some(series)
    }

    /// A component as it may go back, and whether a text in it had to stay what it is; `None` if it
    /// must not be there at all.
    fn shaped(
        &self,
        key: &ComponentKey,
        fields: &Fields,
        shows: Option<&Fields>,
    ) -> Option<(Fields, bool)> {
        let mapping = self.flow.mapping;
        if self.row.copy == Some(B::SIDE) {
            let source = self.source.map(|source| {
                let standing = Standing::of(source, key);
                standing.fields().or(source.master.as_ref()).cloned()
            });
            let source = source.flatten();
            let unknown = source.is_none() && mapping.hides_private();
            let shaped = self
                .flow
                .projection
                .again(fields, source.as_ref(), unknown)?;
            return Some((shaped, false));
        }
        let mut shaped = fields.clone();
        let mut stays = false;
        if mapping.protects(B::SIDE) {
            let private = self.source.map_or_else(
                || mapping.hides_private(),
                |source| party::hides(mapping, source),
            );
            for field in party::ruled(mapping, private) {
                if let Some(shows) = shows
                    && !diff::same(field, shows, fields)
                {
                    diff::copy(field, shows, &mut shaped);
                    stays = true;
                }
            }
        }
        Some((shaped, stays))
    }
}
