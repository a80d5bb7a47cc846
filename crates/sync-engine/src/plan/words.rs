//! What differs though neither side changed it. A rule that keeps words from crossing lets two sides of
//! one event say it differently: when the rule is over, that is a conflict like any other. An override
//! may say what the other side's master says by itself, or stand where nothing took place before.

use super::Plan;
use super::compare::Need;
use super::contest::Ruling;
use super::gathered::{Crossing, Gathered};
use super::merging::Merging;
use crate::diff::{self, Standing, differing};
use crate::model::{ComponentKey, Field, FieldSet, Series, Side};
use crate::row::Row;

impl Merging<'_> {
    /// Decides about the texts that a rule kept apart.
    pub(super) fn level(
        &self,
        row: &Row,
        key: ComponentKey,
        gathered: &mut Gathered,
        plan: &mut Plan,
    ) {
        let apart = self.kept_apart(&key);
        if apart.is_empty() {
            return;
        }
        gathered.contested = true;
        match self.contest(row, key).settle(&apart, plan) {
            Ruling::Open => gathered.open = true,
            Ruling::All(side) => {
                for field in apart {
                    gathered.cross_field(key, side.other(), field);
                }
            }
            Ruling::Each(sides) => {
                for field in apart {
                    let from = sides.get(&field).copied().unwrap_or(Side::Google);
                    gathered.cross_field(key, from.other(), field);
                }
            }
        }
    }

    /// Texts that may cross both ways, differ, and were changed on neither side.
    fn kept_apart(&self, key: &ComponentKey) -> FieldSet {
        let (caldav, google) = (&self.caldav, &self.google);
        let (Some(here), Some(there), Some(here_before), Some(there_before)) = (
            caldav.now.own_fields(key),
            google.now.own_fields(key),
            caldav.echo.own_fields(key),
            google.echo.own_fields(key),
        ) else {
            return FieldSet::new();
        };
        [Field::Title, Field::Description, Field::Location]
            .into_iter()
            .filter(|field| caldav.mask.contains(field) && google.mask.contains(field))
            .filter(|field| {
                diff::same(*field, here, here_before)
                    && diff::same(*field, there, there_before)
                    && !self.same(*field, key)
            })
            .collect()
    }

    /// Neither side changed it. What stood at a time the series did not take place at counts once it
    /// takes place there again.
    pub(super) fn unchanged(&self, row: &Row, key: ComponentKey, gathered: &mut Gathered) {
        let copy = row.copy.unwrap_or(Side::Google);
        let from = copy.other();
        let kind = |series: &Series| match Standing::of(series, &key) {
            Standing::Inherit(_) | Standing::Nothing => 0,
            Standing::Cancelled => 1,
            Standing::Own(_) => 2,
        };
        let drifted = kind(&self.party(from).out) != kind(&self.party(copy).out);
        if key == ComponentKey::Master || !drifted {
            return;
        }
        // What only the copy's own words tell from its master is its own, where it takes place.
        let off = kind(&self.party(from).out) == 1;
        if !off
            && self.party(copy).says_by_words(&key)
            && self.takes_place(&key, self.party(copy).now)
        {
            return;
        }
        if self.inherits_it(&key, from, gathered) {
            return;
        }
        if let Need::Write(_) = self.write(&key, from, Some(&Crossing::Whole)) {
            gathered.cross(key, copy, Crossing::Whole);
        }
    }

    /// Whether what an override of `from` says is what the other side's master says by itself: the two
    /// masters have different words, and an override that says what its master says is none.
    pub(super) fn inherits_it(
        &self,
        key: &ComponentKey,
        from: Side,
        gathered: &mut Gathered,
    ) -> bool {
        let master_stays = !gathered
            .towards(from.other())
            .contains_key(&ComponentKey::Master);
        let source = self.party(from);
        let other = self.party(from.other()).now;
        let shows = Standing::of(other, key);
        match (Standing::of(&source.out, key), shows) {
            (Standing::Own(says), Standing::Inherit(shows)) if master_stays => {
                differing(&says, &shows).is_disjoint(&source.mask) && self.takes_place(key, other)
            }
            _ => false,
        }
    }

    /// Whether a series takes place at an override's time by itself.
    fn takes_place(&self, key: &ComponentKey, series: &Series) -> bool {
        match (key.recurrence_id(), &series.master) {
            (Some(id), Some(master)) => self.given(master).at(id),
            _ => false,
        }
    }
}
