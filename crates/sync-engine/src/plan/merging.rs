//! A series that both sides have as a series, in a mapping that goes both ways: component by
//! component, field by field.
//!
//! What only one side changed crosses; what both changed is a contest. What a move of the master
//! does to overrides is in `carrying`, the writes that come of it in `crossing`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::carrying;
use super::compare::{Need, alike, transition};
use super::contest::{Contest, Ruling, made, remember, shown};
use super::crossing;
use super::gathered::{Crossing, Gathered};
use super::party::{Changed, Party, shaped};
use super::two_way::{Flows, note_conflicts};
use super::unsaid::Unsaid;
use super::writing::empties;
use super::{Plan, SeriesInput};
use crate::diff::{self, Standing, differing};
use crate::model::{Caldav, ComponentKey, Field, FieldSet, Fields, Google, Series, Side};
use crate::ports::side::{Change, ComponentChange};
use crate::ports::store::RowChange;
use crate::recurrence::Given;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// A series while it is merged.
pub(super) struct Merging<'a> {
    pub(super) flows: &'a Flows<'a>,
    pub(super) c: &'a Snapshot<Caldav>,
    pub(super) g: &'a Snapshot<Google>,
    pub(super) caldav: Party<'a>,
    pub(super) google: Party<'a>,
    /// The side that cannot be written, if one.
    pub(super) fixed: Option<Side>,
    pub(super) anew: bool,
    /// What the masters give that were asked about.
    pub(super) given: RefCell<Vec<Rc<Given>>>,
}

/// Brings both sides in step. `only_back`: write to CalDAV only, and plan the rest again (the copy
/// at Google changes its form).
pub(super) fn update(
    merging: &Merging<'_>,
    input: &SeriesInput,
    mut row: Row,
    only_back: bool,
    plan: &mut Plan,
) -> bool {
    let conflicts = plan.conflicts.len();
    let mut gathered = merging.gather(&row, plan);
    note_conflicts(&mut row, conflicts, plan);
    let waiting = merging.drop_fixed(&mut gathered);
    if gathered.open && merging.caldav.moved() != merging.google.moved() {
        // Nothing of a moved series crosses while it is not known where it belongs.
        gathered.to_caldav.clear();
        gathered.to_google.clear();
    }
    gathered.again |= only_back;
    if !gathered.open {
        for key in merging
            .keys()
            .into_iter()
            .filter(|key| !waiting.contains(key))
        {
            remember(&mut row, merging.c, &key);
            remember(&mut row, merging.g, &key);
        }
    }
    for key in &gathered.agreed {
        super::components::agree::<Caldav, Google>(&mut row, merging.c, merging.g, key);
    }
    let group = crossing::group(merging, row, &gathered, only_back);
    if only_back && group.steps.is_empty() && !gathered.open {
        // What differs there needs no write: the form can change.
        return false;
    }
    if group.steps.is_empty() {
        let mut row = group.row;
        row.setbacks.clear();
        row.due = gathered.later.then_some(merging.flows.input.now);
        row.anew &= gathered.open || gathered.later;
        if input.row.as_ref() != Some(&row) {
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
    } else {
        plan.groups.push(group);
    }
    true
}

impl Merging<'_> {
    /// Every component that either side knows.
    pub(super) fn keys(&self) -> Vec<ComponentKey> {
        let mut keys = self.caldav.keys();
        keys.extend(self.google.keys());
        keys.extend(
            self.g
                .exceptions()
                .map(|(id, _)| ComponentKey::Override(*id)),
        );
        keys.sort();
        keys.dedup();
        keys
    }

    pub(super) fn party(&self, side: Side) -> &Party<'_> {
        match side {
            Side::Caldav => &self.caldav,
            Side::Google => &self.google,
        }
    }

    /// Nothing is written to a side that cannot be written: what would be waits.
    fn drop_fixed(&self, gathered: &mut Gathered) -> Vec<ComponentKey> {
        let Some(side) = self.fixed else {
            return Vec::new();
        };
        gathered.carried.clear();
        gathered.later = false;
        gathered.again &= side != Side::Google;
        let dropped = std::mem::take(gathered.towards(side));
        dropped.into_keys().collect()
    }

    fn gather(&self, row: &Row, plan: &mut Plan) -> Gathered {
        let mut gathered = Gathered::default();
        self.component(row, ComponentKey::Master, &mut gathered, plan);
        let master = ComponentKey::Master;
        let moves = |crossings: &BTreeMap<ComponentKey, Crossing>, from: Side, to: Side| {
            crossings.contains_key(&master)
                && match self.write(&master, from, crossings.get(&master)) {
                    Need::Write(Change::Set(set)) => set.contains(&Field::When),
                    _ => false,
                }
                && self.party(to).now.master.is_some()
        };
        // What the copy moved is brought in line with new settings in its new places, and what stays
        // where it is because a move is taken back.
        let later = |mover: Side, gathered: &mut Gathered| {
            let back = gathered.towards(mover).contains_key(&master);
            gathered.later |= self.anew && (back || row.copy == Some(mover));
        };
        if moves(&gathered.to_google, Side::Caldav, Side::Google) {
            carrying::moved(self, row, Side::Caldav, &mut gathered, plan);
            later(Side::Caldav, &mut gathered);
        } else if moves(&gathered.to_caldav, Side::Google, Side::Caldav) {
            carrying::moved(self, row, Side::Google, &mut gathered, plan);
            later(Side::Google, &mut gathered);
        } else if let Some(side) = self.has_moved() {
            self.follow(side, &mut gathered);
            later(side, &mut gathered);
        } else {
            for key in self.keys() {
                if key != ComponentKey::Master {
                    self.component(row, key, &mut gathered, plan);
                }
            }
        }
        gathered
    }

    /// The side whose move was written already, and whose overrides are now to be followed.
    fn has_moved(&self) -> Option<Side> {
        match (self.caldav.moved(), self.google.moved()) {
            (true, false) => Some(Side::Caldav),
            (false, true) => Some(Side::Google),
            _ => None,
        }
    }

    /// After a move was written: what became of the other side's overrides is our doing.
    fn follow(&self, side: Side, gathered: &mut Gathered) {
        for key in self.keys() {
            if key == ComponentKey::Master {
                continue;
            }
            match self.write(&key, side, Some(&Crossing::Whole)) {
                Need::Nothing => {}
                Need::Agree => gathered.agreed.push(key),
                Need::Write(_) => gathered.cross(key, side.other(), Crossing::Whole),
            }
        }
    }

    /// Decides about one component; and new settings bring the copy in line, whatever else happens.
    pub(super) fn component(
        &self,
        row: &Row,
        key: ComponentKey,
        gathered: &mut Gathered,
        plan: &mut Plan,
    ) {
        let open = std::mem::take(&mut gathered.open);
        self.decide(row, key, gathered, plan);
        if let Some(copy) = row.copy.filter(|_| self.anew) {
            self.in_line(key, copy, gathered.open, gathered);
        } else if self.anew && !gathered.open {
            self.level(row, key, gathered, plan);
        }
        if gathered.open {
            gathered.waits.insert(key);
        }
        gathered.open |= open;
    }

    /// What new settings change of a copy. While a conflict is open, only what a privacy rule shapes.
    fn in_line(&self, key: ComponentKey, copy: Side, open: bool, gathered: &mut Gathered) {
        let from = self.party(copy.other());
        let shaped = shaped(&self.flows.input.mapping);
        let protected = self.flows.input.mapping.protects(copy);
        let want = Standing::of(&from.out, &key);
        let now = Standing::of(self.party(copy).now, &key);
        let allowed = |field: &Field| {
            from.mask.contains(field)
                && (protected || !shaped.contains(field))
                && (!open || shaped.contains(field))
        };
        let back = gathered.towards(copy.other()).get(&key).cloned();
        match (&want, &now) {
            (Standing::Own(want), Standing::Own(now)) => {
                for field in differing(want, now).into_iter().filter(allowed) {
                    let back = match &back {
                        Some(Crossing::Whole) => true,
                        Some(Crossing::Fields(set)) => set.contains(&field),
                        None => false,
                    };
                    if !back {
                        gathered.cross_field(key, copy, field);
                    }
                }
            }
            // An override of the copy that has yet to come to the other side.
            (_, Standing::Own(_)) if back.is_some() => gathered.later = true,
            // All it says of its own is what the rule keeps back now.
            (Standing::Inherit(want), Standing::Own(now))
                if !open && differing(want, now).iter().any(allowed) =>
            {
                gathered.cross(key, copy, Crossing::Whole);
            }
            _ => {}
        }
    }

    fn decide(&self, row: &Row, key: ComponentKey, gathered: &mut Gathered, plan: &mut Plan) {
        let changed = (self.caldav.changed(&key), self.google.changed(&key));
        match changed {
            (Changed::Not, Changed::Not) => self.unchanged(row, key, gathered),
            (changed, Changed::Not) => self.one_sided(row, key, Side::Caldav, &changed, gathered),
            (Changed::Not, changed) => self.one_sided(row, key, Side::Google, &changed, gathered),
            (on_caldav, on_google) => {
                if self.equal(&key, &on_caldav, &on_google) {
                    gathered.agreed.push(key);
                    return;
                }
                let differs = |fields: FieldSet| -> FieldSet {
                    let fields = fields.into_iter();
                    fields.filter(|field| !self.same(*field, &key)).collect()
                };
                let on_caldav = differs(self.fields(&on_caldav, Side::Caldav, &key));
                let on_google = differs(self.fields(&on_google, Side::Google, &key));
                let both: FieldSet = on_caldav.intersection(&on_google).copied().collect();
                gathered.contested = true;
                match self.contest(row, key).settle(&both, plan) {
                    Ruling::Open => gathered.open = true,
                    Ruling::All(side) => {
                        let all = on_caldav.union(&on_google).copied();
                        let unsaid = self.unsaid(row, side);
                        let (kept, all) =
                            all.partition(|field| unsaid.are(self.party(side).now, &key, *field));
                        gathered.cross(key, side.other(), Crossing::Fields(all));
                        let kept: FieldSet = kept;
                        for field in kept {
                            gathered.cross_field(key, side, field);
                        }
                    }
                    Ruling::Each(sides) => {
                        for field in on_caldav.union(&on_google) {
                            let from = sides.get(field).copied().unwrap_or_else(|| {
                                if on_caldav.contains(field) {
                                    Side::Caldav
                                } else {
                                    Side::Google
                                }
                            });
                            gathered.cross_field(key, from.other(), *field);
                        }
                    }
                }
            }
        }
    }

    /// The words of `side` that nobody said there.
    pub(super) fn unsaid(&self, row: &Row, side: Side) -> Unsaid {
        if row.copy == Some(side) {
            Unsaid::of(&self.party(side).echo, &self.party(side.other()).echo)
        } else {
            Unsaid::default()
        }
    }

    fn one_sided(
        &self,
        row: &Row,
        key: ComponentKey,
        from: Side,
        changed: &Changed,
        gathered: &mut Gathered,
    ) {
        let crossing = match changed {
            Changed::Fields(set) => Crossing::Fields(set.clone()),
            Changed::Not | Changed::Whole => Crossing::Whole,
        };
        if self.inherits_it(&key, from, gathered) {
            gathered.agreed.push(key);
            return;
        }
        match self.write(&key, from, Some(&crossing)) {
            Need::Nothing => {}
            Need::Agree => gathered.agreed.push(key),
            // A person wants the emptied texts back.
            Need::Write(change)
                if self.flows.input.restoring.contains(&row.key)
                    && empties(
                        &self.party(from).out,
                        self.party(from.other()).now,
                        &ComponentChange {
                            key,
                            change: change.clone(),
                        },
                    ) =>
            {
                gathered.cross(key, from, crossing);
            }
            Need::Write(_) => gathered.cross(key, from.other(), crossing),
        }
    }

    /// What a crossing from `from` would write on the other side.
    pub(super) fn write(
        &self,
        key: &ComponentKey,
        from: Side,
        crossing: Option<&Crossing>,
    ) -> Need {
        let Some(crossing) = crossing else {
            return Need::Nothing;
        };
        let source = self.party(from);
        self.need(&source.out, key, from.other(), crossing, &source.mask)
    }

    /// What brings a component of side `to` to what `want` says, as far as `crossing` and `mask` go.
    pub(super) fn need(
        &self,
        want: &Series,
        key: &ComponentKey,
        to: Side,
        crossing: &Crossing,
        mask: &FieldSet,
    ) -> Need {
        let set = |want: &Fields, now: &Fields| -> FieldSet {
            differing(want, now)
                .into_iter()
                .filter(|field| mask.contains(field))
                .filter(|field| match crossing {
                    Crossing::Whole => true,
                    // A visibility goes along with whatever is written.
                    Crossing::Fields(set) => set.contains(field) || *field == Field::Visibility,
                })
                .collect()
        };
        let (wanted, now) = (
            Standing::of(want, key),
            Standing::of(self.party(to).now, key),
        );
        let ComponentKey::Override(id) = key else {
            return match (&wanted, &now) {
                (Standing::Own(wanted), Standing::Own(now)) => match set(wanted, now) {
                    set if set.is_empty() => Need::Agree,
                    set => Need::Write(Change::Set(set)),
                },
                _ => Need::Nothing,
            };
        };
        let occurs = want
            .master
            .as_ref()
            .is_some_and(|master| self.given(master).at(*id));
        transition(&wanted, &now, occurs, self.apart(to), set)
    }

    /// What a master gives: each is walked once, however many overrides are looked at.
    pub(super) fn given(&self, master: &Fields) -> Rc<Given> {
        let mut all = self.given.borrow_mut();
        if let Some(known) = all.iter().find(|known| known.is_of(master)) {
            return Rc::clone(known);
        }
        let given = Rc::new(Given::of(master, self.flows.floating()));
        all.push(Rc::clone(&given));
        given
    }

    /// Whether exceptions are resources of their own on this side.
    pub(super) fn apart(&self, side: Side) -> bool {
        match side {
            Side::Caldav => self.flows.caldav.target().exceptions_apart,
            Side::Google => self.flows.google.target().exceptions_apart,
        }
    }

    fn fields(&self, changed: &Changed, side: Side, key: &ComponentKey) -> FieldSet {
        let party = self.party(side);
        match changed {
            Changed::Not => FieldSet::new(),
            Changed::Fields(set) => set.clone(),
            Changed::Whole => {
                let (now, had) = (Standing::of(&party.out, key), Standing::of(&party.had, key));
                match (&now, had.fields()) {
                    // An override that is new: what its master did not say.
                    (Standing::Own(now), Some(had)) => differing(now, had)
                        .intersection(&party.mask)
                        .copied()
                        .collect(),
                    _ => party.mask.clone(),
                }
            }
        }
    }

    /// Whether a field is the same on both sides, as far as either can hold it.
    pub(super) fn same(&self, field: Field, key: &ComponentKey) -> bool {
        let alike = |out: &Party<'_>, now: &Party<'_>| {
            let (out, now) = (Standing::of(&out.out, key), Standing::of(now.now, key));
            matches!((out.fields(), now.fields()), (Some(out), Some(now))
                if diff::same(field, out, now))
        };
        alike(&self.caldav, &self.google) || alike(&self.google, &self.caldav)
    }

    fn equal(&self, key: &ComponentKey, on_caldav: &Changed, on_google: &Changed) -> bool {
        let there = Standing::of(&self.caldav.out, key);
        let here = Standing::of(self.google.now, key);
        if let (Standing::Own(_), Standing::Own(_)) = (&there, &here) {
            let caldav = self.fields(on_caldav, Side::Caldav, key);
            let google = self.fields(on_google, Side::Google, key);
            return caldav
                .union(&google)
                .filter(|field| **field != Field::Visibility)
                .filter(|field| {
                    self.caldav.mask.contains(field) || self.google.mask.contains(field)
                })
                .all(|field| self.same(*field, key));
        }
        alike(&there, &here)
    }

    pub(super) fn contest<'b>(&'b self, row: &'b Row, key: ComponentKey) -> Contest<'b> {
        let (caldav, base) = shown(self.flows.input, &self.caldav, &self.google, &key);
        let now = self.flows.input.now;
        Contest {
            flows: self.flows,
            row,
            key,
            caldav,
            google: Standing::of(self.google.now, &key),
            base,
            times: (made(row, self.c, &key, now), made(row, self.g, &key, now)),
            fixed: self.fixed.map(|side| (side, "It cannot be changed there.")),
            edit: None,
        }
    }
}
