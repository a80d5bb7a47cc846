//! Who wins when both sides changed the same, and what is put on record about it.

use std::collections::BTreeMap;

use super::party::{self, Party};
use super::two_way::Flows;
use super::{Plan, PlanInput};
use crate::conflict::{Conflict, Keep, Version, Winner};
use crate::diff::{self, Standing};
use crate::mapping::ConflictPolicy;
use crate::model::time::Timestamp;
use crate::model::{ComponentKey, ConflictId, Field, FieldSet, Fingerprint, Series, Side, SideTag};
use crate::projection::Privacy;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// What a contest came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ruling {
    /// This side's version is taken.
    All(Side),
    /// Each side's own changes; what both changed goes by this.
    Each(BTreeMap<Field, Side>),
    /// A person has to decide.
    Open,
}

/// Everything a contest is about.
pub(super) struct Contest<'a> {
    pub(super) flows: &'a Flows<'a>,
    pub(super) row: &'a Row,
    pub(super) key: ComponentKey,
    /// What CalDAV shows, as people may see it here (P9).
    pub(super) caldav: Standing,
    /// What Google shows.
    pub(super) google: Standing,
    /// What both showed when they last agreed.
    pub(super) base: Option<Standing>,
    /// When each side's version was made.
    pub(super) times: (Timestamp, Timestamp),
    /// A side that wins whatever the policy, and why.
    pub(super) fixed: Option<(Side, &'static str)>,
    /// One of them is gone: an edit beats it.
    pub(super) edit: Option<Side>,
}

impl Contest<'_> {
    /// Stands for exactly these two versions of this component.
    fn id(&self) -> ConflictId {
        let versions = (
            self.row.key.as_str(),
            &self.key,
            self.version(&self.caldav),
            self.version(&self.google),
        );
        ConflictId::new(Fingerprint::of_value(&versions).as_str().replace(':', "-"))
    }

    /// A standing in words. A copy at Google may have been made under an earlier rule, or before the
    /// event was private: what it says is told as the rule has it by now (P9).
    fn version(&self, standing: &Standing) -> Version {
        let flow = &self.flows.google;
        let private = flow.is_private(self.row, Some(&self.key));
        let hides = flow.mapping.privacy != Privacy::Full || private;
        match standing {
            Standing::Own(fields) if hides && self.row.copy == Some(Side::Google) => {
                let again = flow.projection.again(fields, None, private);
                let mut told = fields.clone();
                for field in party::texts() {
                    match &again {
                        Some(again) => diff::copy(field, again, &mut told),
                        None => diff::clear(field, &mut told),
                    }
                }
                version(&Standing::Own(told))
            }
            standing => version(standing),
        }
    }

    /// The later version; a tie goes to CalDAV.
    pub(super) fn latest(&self) -> Side {
        if self.times.1 > self.times.0 {
            Side::Google
        } else {
            Side::Caldav
        }
    }

    /// Decides, and puts the conflict on record. `both`: the fields that both changed to different
    /// values.
    pub(super) fn settle(&self, both: &FieldSet, plan: &mut Plan) -> Ruling {
        let id = self.id();
        let decision = self
            .flows
            .input
            .decisions
            .iter()
            .find(|decision| decision.conflict == id);
        let (ruling, reason) = match (self.fixed, decision) {
            (Some((side, why)), _) => (Ruling::All(side), why.to_owned()),
            (None, Some(decision)) => (
                self.kept(&decision.keep, both),
                "A person chose.".to_owned(),
            ),
            (None, None) => self.by_policy(both),
        };
        let winner = match &ruling {
            Ruling::All(side) => Some(Winner::from(*side)),
            Ruling::Each(_) => Some(Winner::Merged),
            Ruling::Open => None,
        };
        let google = match &self.google {
            Standing::Inherit(fields) | Standing::Own(fields) => Some(&fields.when),
            Standing::Nothing | Standing::Cancelled => None,
        };
        plan.conflicts.push(Conflict {
            row: self.row.key.clone(),
            uid: self.row.uid.clone(),
            key: self.key,
            recurrence_id: self
                .key
                .recurrence_id()
                .map(|id| diff::recurrence_id(id, google, &self.flows.input.floating)),
            policy: self.flows.input.mapping.conflict_policy,
            base: self.base.as_ref().map(|base| self.version(base)),
            caldav: self.version(&self.caldav),
            google: self.version(&self.google),
            winner,
            reason,
            id,
        });
        ruling
    }

    fn by_policy(&self, both: &FieldSet) -> (Ruling, String) {
        let latest = self.latest();
        let later = |side: Side| match side {
            Side::Caldav => "CalDAV's version is the later one.",
            Side::Google => "Google's version is the later one.",
        };
        if let Some(edit) = self.edit {
            return match self.flows.input.mapping.conflict_policy {
                ConflictPolicy::Latest | ConflictPolicy::Merge => (
                    Ruling::All(edit),
                    "It was edited on one side and deleted on the other: the edit wins.".to_owned(),
                ),
                policy => Self::named(policy),
            };
        }
        match self.flows.input.mapping.conflict_policy {
            ConflictPolicy::Latest => (Ruling::All(latest), later(latest).to_owned()),
            ConflictPolicy::Merge => (
                self.merged(both),
                if both.is_empty() {
                    "Each side changed something else: both are kept.".to_owned()
                } else {
                    format!("What both changed goes by time: {}", later(latest))
                },
            ),
            policy => Self::named(policy),
        }
    }

    fn named(policy: ConflictPolicy) -> (Ruling, String) {
        match policy {
            ConflictPolicy::Google => (
                Ruling::All(Side::Google),
                "This mapping prefers Google.".to_owned(),
            ),
            ConflictPolicy::Caldav => (
                Ruling::All(Side::Caldav),
                "This mapping prefers CalDAV.".to_owned(),
            ),
            _ => (
                Ruling::Open,
                "This mapping leaves conflicts to people.".to_owned(),
            ),
        }
    }

    fn merged(&self, both: &FieldSet) -> Ruling {
        let latest = self.latest();
        match (&self.caldav, &self.google) {
            (Standing::Own(_), Standing::Own(_)) => {
                Ruling::Each(both.iter().map(|field| (*field, latest)).collect())
            }
            // Fields and their absence do not mix.
            _ => Ruling::All(latest),
        }
    }

    fn kept(&self, keep: &Keep, both: &FieldSet) -> Ruling {
        match keep {
            Keep::Caldav => Ruling::All(Side::Caldav),
            Keep::Google => Ruling::All(Side::Google),
            Keep::Merged => self.edit.map_or_else(|| self.merged(both), Ruling::All),
            Keep::Fields(chosen) => match self.merged(both) {
                Ruling::Each(mut fields) => {
                    fields.extend(chosen.iter().map(|(field, side)| (*field, *side)));
                    Ruling::Each(fields)
                }
                other => other,
            },
        }
    }
}

/// A standing in words.
fn version(standing: &Standing) -> Version {
    match standing {
        Standing::Nothing => Version::Absent,
        Standing::Cancelled => Version::Cancelled,
        Standing::Inherit(_) => Version::Inherits,
        Standing::Own(fields) => Version::Fields(
            Field::ALL
                .into_iter()
                .filter(|field| *field != Field::Visibility)
                .map(|field| (field, diff::shown(field, fields)))
                .filter(|(_, shown)| !shown.is_empty())
                .collect(),
        ),
    }
}

/// Whether no rule hides words of these series from Google, so that all of them may be told (P9).
pub(super) fn tells_all(input: &PlanInput, series: &[&Series]) -> bool {
    input.mapping.privacy == Privacy::Full
        && !series
            .iter()
            .any(|series| input.mapping.hides_private() && party::is_private(series))
}

/// What stands for a whole series: its master, or its first single event.
pub(super) fn whole(series: &Series) -> Standing {
    match Standing::of(series, &ComponentKey::Master) {
        Standing::Nothing => series
            .overrides
            .keys()
            .next()
            .map_or(Standing::Nothing, |id| {
                Standing::of(series, &ComponentKey::Override(*id))
            }),
        standing => standing,
    }
}

/// What may be shown of the CalDAV side and of what both agreed on: under a privacy rule no more
/// than Google may know.
pub(super) fn shown(
    input: &PlanInput,
    caldav: &Party<'_>,
    google: &Party<'_>,
    key: &ComponentKey,
) -> (Standing, Option<Standing>) {
    let full = tells_all(input, &[caldav.now, &caldav.echo]);
    let now = Standing::of(if full { caldav.now } else { &caldav.out }, key);
    let base: &Series = if full { &caldav.echo } else { &google.echo };
    let base = Standing::of(base, key);
    (now, (base != Standing::Nothing).then_some(base))
}

/// When a side's version of a component was made: when the side says so, if that moved since the
/// last agreement, else when its server says that it was written, if that moved, else when our reads
/// first showed it; never later than now.
pub(super) fn made<S: SideTag>(
    row: &Row,
    snapshot: &Snapshot<S>,
    key: &ComponentKey,
    now: Timestamp,
) -> Timestamp {
    let Some(part) = snapshot.part(key) else {
        return now;
    };
    let link = row.link::<S>();
    let agreed = |known: &[(ComponentKey, Timestamp)]| {
        let found = known.iter().find(|(known, _)| known == key);
        found.map(|(_, stamp)| *stamp)
    };
    let stamped = link.and_then(|link| agreed(&link.stamps));
    let written = link.and_then(|link| agreed(&link.written));
    let said = stamp(snapshot, key).filter(|said| Some(*said) != stamped);
    said.or_else(|| part.written.filter(|at| Some(*at) != written))
        .unwrap_or(part.since)
        .min(now)
}

/// When a side says a component was modified.
pub(super) fn stamp<S: SideTag>(snapshot: &Snapshot<S>, key: &ComponentKey) -> Option<Timestamp> {
    let part = snapshot.part(key)?;
    part.stamps
        .iter()
        .find(|(known, _)| known == key)
        .map(|(_, stamp)| *stamp)
        .or(part.modified)
}

/// Remembers when each side says a component was modified, now that it is dealt with.
pub(super) fn remember<S: SideTag>(row: &mut Row, snapshot: &Snapshot<S>, key: &ComponentKey) {
    let stamp = stamp(snapshot, key);
    let written = snapshot.part(key).and_then(|part| part.written);
    if let Some(link) = row.link_mut::<S>() {
        link.stamped(*key, stamp, written);
    }
}
