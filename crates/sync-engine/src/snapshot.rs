//! What one side shows of one series, put together from its mirrored resources.
//!
//! On CalDAV that is one object (or, on odd servers, a master and its overrides apart); at Google a
//! recurring event and its exceptions; for a series that had to be expanded, single events. Pure:
//! the mirror goes in, a [`View`] comes out.

use std::collections::BTreeMap;

use crate::mirror::{MirrorState, Mirrored};
use crate::model::time::Timestamp;
use crate::model::{
    ComponentKey, Fields, LocalTime, OverrideValue, RecurrenceId, ResourceId, Series, SeriesKey,
    SideTag, Uid, When, Zone, ZoneName,
};
use crate::observation::{Access, Content, Observation, Remark};
use crate::ports::side::Resource;
use crate::recurrence::ids::{inherited_when, recurrence_id_in};
use crate::recurrence::{Given, OriginalStart, onward_fields};
use crate::row::Link;

/// What one side shows of a series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum View<S: SideTag> {
    /// Nothing was ever seen of it.
    #[default]
    Unknown,
    /// It is proven gone.
    Gone {
        /// Whether a reading had shown it while it lived (P3).
        shown: bool,
    },
    /// A part of it cannot be read: the whole series sits out.
    Unreadable {
        /// Its name: the resource's, where its series is not known.
        name: String,
        /// Why.
        reason: String,
    },
    /// It is there.
    Present(Box<Snapshot<S>>),
}

impl<S: SideTag> View<S> {
    /// The snapshot, if it is there and readable.
    pub fn present(&self) -> Option<&Snapshot<S>> {
        match self {
            Self::Present(snapshot) => Some(snapshot),
            _ => None,
        }
    }
}

/// A series as one side shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<S: SideTag> {
    /// Its keys: one, or one per occurrence where it was expanded.
    pub keys: Vec<SeriesKey<S>>,
    /// Its UID.
    pub uid: Uid,
    /// Its content in normal form: overrides that say nothing of their own are left out.
    pub series: Series,
    /// Its resources.
    pub parts: BTreeMap<ComponentKey, Part<S>>,
    /// Copies of ours in the other form: single events beside the series that replaced them, or the
    /// series beside its single events. What a change of form that was interrupted left behind.
    pub strays: Vec<Part<S>>,
    /// Single events that are gone though no reading had shown them.
    pub unseen: Vec<Unseen<S>>,
    /// The least that may be done with any part.
    pub access: Access,
    /// Whether it has guests.
    pub has_guests: bool,
    /// Whether its name proves that it was made here.
    pub copy: Option<crate::identity::OriginTag>,
    /// Whether a reading has shown it.
    pub shown: bool,
    /// What people may want to know.
    pub remarks: Vec<Remark>,
}

/// A single event that was written, that no reading has shown, and that is not there: other reasons
/// than a person are likely at first (P3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen<S: SideTag> {
    /// The occurrence it stands for.
    pub key: ComponentKey,
    /// The series it is at Google.
    pub series: SeriesKey<S>,
    /// Its name.
    pub resource: ResourceId<S>,
    /// Since when it is missing.
    pub since: Timestamp,
}

/// One resource of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<S: SideTag> {
    /// The resource and its version.
    pub resource: Resource<S>,
    /// When its side says it was modified.
    pub modified: Option<Timestamp>,
    /// When its server says that it was written, whatever it says itself.
    pub written: Option<Timestamp>,
    /// When its side says so of single components.
    pub stamps: Vec<(ComponentKey, Timestamp)>,
    /// When our reads first showed this state.
    pub since: Timestamp,
    /// What may be done with it.
    pub access: Access,
    /// Whether it has guests.
    pub has_guests: bool,
}

impl<S: SideTag> Part<S> {
    /// Whether it may be swept away, whatever may be done with the rest of the series: it is ours
    /// to write, and no guest would lose it.
    pub(crate) fn may_go(&self) -> bool {
        self.access == Access::Full && !self.has_guests
    }
}

/// Puts a series together from its mirrored resources.
pub fn view<S: SideTag>(
    resources: &[Mirrored<S>],
    link: Option<&Link<S>>,
    floating: &ZoneName,
) -> View<S> {
    for mirrored in resources {
        if let MirrorState::Unreadable(reason) = &mirrored.state {
            return View::Unreadable {
                name: mirrored.series.as_str().to_owned(),
                reason: reason.clone(),
            };
        }
    }
    let mut alive: Vec<(&Mirrored<S>, &Observation<S>)> = resources
        .iter()
        .filter(|mirrored| mirrored.state == MirrorState::Present)
        .filter_map(|mirrored| Some((mirrored, mirrored.observation.as_ref()?)))
        .collect();
    // A deleted master takes its exceptions with it, whether the server said so or not.
    alive.retain(|(_, observation)| {
        !matches!(observation.content, Content::Exception { .. })
            || !master_is_gone(resources, observation)
    });
    if alive.is_empty() {
        return if resources.is_empty() {
            View::Unknown
        } else {
            View::Gone {
                shown: resources.iter().any(|mirrored| mirrored.shown),
            }
        };
    }
    alive.sort_by(|a, b| {
        let linked = |mirrored: &Mirrored<S>, observation: &Observation<S>| {
            let _ = mirrored;
            !link.is_some_and(|link| {
                link.resources
                    .iter()
                    .any(|(_, resource)| *resource == observation.resource)
            })
        };
        (linked(a.0, a.1), &a.1.resource).cmp(&(linked(b.0, b.1), &b.1.resource))
    });
    let mut snapshot = Building::of(&alive, link, floating);
    if let Some(link) = link.filter(|link| link.expanded) {
        snapshot.unseen = unseen(resources, link);
    }
    View::Present(Box::new(snapshot))
}

fn unseen<S: SideTag>(resources: &[Mirrored<S>], link: &Link<S>) -> Vec<Unseen<S>> {
    resources
        .iter()
        .filter(|mirrored| mirrored.state == MirrorState::Gone && !mirrored.shown)
        .filter_map(|mirrored| {
            let resource = &mirrored.observation.as_ref()?.resource;
            let (key, _) = link.resources.iter().find(|(_, id)| id == resource)?;
            Some(Unseen {
                key: *key,
                series: mirrored.series.clone(),
                resource: resource.clone(),
                since: mirrored.since,
            })
        })
        .collect()
}

/// The same for copies that were found by their proof of origin and not by a link: single events
/// that stand for occurrences belong together.
pub(crate) fn together<S: SideTag>(resources: &[Mirrored<S>], floating: &ZoneName) -> View<S> {
    let alone = resources.iter().any(|mirrored| {
        mirrored.state == MirrorState::Present
            && mirrored.observation.as_ref().is_some_and(|observation| {
                observation
                    .tag
                    .as_ref()
                    .is_some_and(|tag| tag.recurrence_id.is_some())
            })
    });
    let link = Link {
        expanded: alone,
        ..Link::empty()
    };
    view(resources, Some(&link), floating)
}

fn master_is_gone<S: SideTag>(resources: &[Mirrored<S>], exception: &Observation<S>) -> bool {
    resources.iter().any(|mirrored| {
        mirrored.state == MirrorState::Gone
            && mirrored
                .observation
                .as_ref()
                .is_some_and(|gone| gone.resource.as_str() == exception.series.as_str())
    })
}

/// A snapshot in the making.
struct Building<S: SideTag>(Snapshot<S>);

impl<S: SideTag> Building<S> {
    fn of(
        alive: &[(&Mirrored<S>, &Observation<S>)],
        link: Option<&Link<S>>,
        floating: &ZoneName,
    ) -> Snapshot<S> {
        let expanded = link.is_some_and(|link| link.expanded);
        let mut building = Self(Snapshot::nothing());
        let (apart, whole): (Vec<_>, Vec<_>) = alive.iter().partition(|(_, observation)| {
            matches!(&observation.content, Content::Exception { .. })
                || matches!(&observation.content, Content::Series(series) if series.master.is_none())
        });
        let mut strays = Vec::new();
        for (mirrored, observation) in whole {
            let alone = alone(observation, link.filter(|_| expanded));
            if alone.is_some() == expanded {
                building.take_whole(mirrored, observation, alone);
            } else {
                strays.push((mirrored, observation));
            }
        }
        // Single events have no exceptions: those are of a series that goes as a whole.
        for (mirrored, observation) in apart.into_iter().filter(|_| !expanded) {
            building.take_apart(mirrored, observation, floating);
        }
        for (mirrored, observation) in strays {
            let part = building.seen(mirrored, observation);
            building.0.strays.push(part);
        }
        building.0.drop_inherited(floating);
        building.0
    }

    fn take_whole(
        &mut self,
        mirrored: &Mirrored<S>,
        observation: &Observation<S>,
        alone: Option<RecurrenceId>,
    ) {
        let Content::Series(series) = &observation.content else {
            return;
        };
        if let Some(id) = alone {
            let Some(fields) = &series.master else {
                return;
            };
            self.note(mirrored, observation, ComponentKey::Override(id));
            self.0
                .series
                .overrides
                .insert(id, OverrideValue::Fields(Box::new(fields.clone())));
            return;
        }
        if self.0.series.master.is_some() && proven(observation).is_some() {
            // A native took its place, and it was not removed yet.
            let part = self.seen(mirrored, observation);
            self.0.strays.push(part);
            return;
        }
        if self.0.series.master.is_some() {
            self.0.remarks.push(Remark {
                code: "duplicate_uid".to_owned(),
                detail: format!(
                    "{} carries the same UID as another event of this calendar and is left alone.",
                    observation.resource
                ),
            });
            return;
        }
        self.note(mirrored, observation, ComponentKey::Master);
        self.0.series = (**series).clone();
    }

    fn take_apart(
        &mut self,
        mirrored: &Mirrored<S>,
        observation: &Observation<S>,
        floating: &ZoneName,
    ) {
        match &observation.content {
            Content::Exception { original, value } => {
                let id = match &self.0.series.master {
                    Some(master) => exception_id(&master.when, original, floating),
                    None => by_itself(original),
                };
                self.note(mirrored, observation, ComponentKey::Override(id));
                // What was called off of a series that does not repeat any more calls off nothing:
                // the event is shown.
                let single = self.0.series.master.as_ref();
                let single = single.is_some_and(|master| master.recurrence.is_none());
                if !(single && *value == OverrideValue::Cancelled) {
                    self.0.series.overrides.insert(id, value.clone());
                }
            }
            Content::Series(series) => {
                for (id, value) in &series.overrides {
                    if !self.0.series.overrides.contains_key(id) {
                        self.note(mirrored, observation, ComponentKey::Override(*id));
                        self.0.series.overrides.insert(*id, value.clone());
                    }
                }
            }
        }
    }

    fn note(&mut self, mirrored: &Mirrored<S>, observation: &Observation<S>, key: ComponentKey) {
        let part = self.seen(mirrored, observation);
        self.0.parts.insert(key, part);
    }

    /// What every resource tells of the whole.
    fn seen(&mut self, mirrored: &Mirrored<S>, observation: &Observation<S>) -> Part<S> {
        let snapshot = &mut self.0;
        if snapshot.keys.is_empty() {
            snapshot.uid = observation.uid.clone();
            snapshot.copy = proven(observation);
        }
        if !snapshot.keys.contains(&mirrored.series) {
            snapshot.keys.push(mirrored.series.clone());
        }
        snapshot.access = match (snapshot.access, observation.access) {
            (Access::Ignored, _) | (_, Access::Ignored) => Access::Ignored,
            (Access::ReadOnly, _) | (_, Access::ReadOnly) => Access::ReadOnly,
            (Access::MailsGuests, _) | (_, Access::MailsGuests) => Access::MailsGuests,
            (Access::Full, Access::Full) => Access::Full,
        };
        snapshot.has_guests |= observation.has_guests;
        snapshot.shown |= mirrored.shown;
        snapshot.remarks.extend(observation.remarks.iter().cloned());
        Part {
            resource: Resource {
                id: observation.resource.clone(),
                etag: observation.etag.clone(),
                note: observation.note.clone(),
            },
            modified: observation.modified,
            written: observation.written,
            stamps: observation.stamps.clone(),
            since: mirrored.since,
            access: observation.access,
            has_guests: observation.has_guests,
        }
    }
}

/// The occurrence a single event stands for: as its row has it, else as its own name proves.
fn alone<S: SideTag>(observation: &Observation<S>, link: Option<&Link<S>>) -> Option<RecurrenceId> {
    let known = link.and_then(|link| {
        let mut resources = link.resources.iter();
        resources.find(|(_, id)| *id == observation.resource)
    });
    known
        .and_then(|(key, _)| key.recurrence_id())
        .or_else(|| proven(observation)?.recurrence_id)
}

impl<S: SideTag> Snapshot<S> {
    /// Of a series that is shown as single events, when none is left.
    pub(crate) fn nothing() -> Self {
        Self {
            keys: Vec::new(),
            uid: Uid::new(""),
            series: Series::default(),
            parts: BTreeMap::new(),
            strays: Vec::new(),
            unseen: Vec::new(),
            access: Access::Full,
            has_guests: false,
            copy: None,
            shown: false,
            remarks: Vec::new(),
        }
    }

    /// The resource that carries a component: its own, else the master's.
    pub fn part(&self, key: &ComponentKey) -> Option<&Part<S>> {
        self.parts
            .get(key)
            .or_else(|| self.parts.get(&ComponentKey::Master))
            .or_else(|| self.parts.values().next())
    }

    /// Overrides that stand as resources of their own, whether or not they say anything.
    pub fn exceptions(&self) -> impl Iterator<Item = (&RecurrenceId, &Part<S>)> {
        self.parts.iter().filter_map(|(key, part)| match key {
            ComponentKey::Override(id) => Some((id, part)),
            ComponentKey::Master => None,
        })
    }

    /// An override whose fields are what the master gives says nothing: it is `Inherit`. Where the
    /// series does not take place the master gives nothing, and the override is one more event.
    fn drop_inherited(&mut self, floating: &ZoneName) {
        let Some(master) = self.series.master.clone() else {
            return;
        };
        let given = Given::of(&master, floating);
        self.series.overrides.retain(|id, value| match value {
            OverrideValue::Cancelled => true,
            OverrideValue::Fields(fields) => **fields != inherited(&master, *id) || !given.at(*id),
        });
    }
}

/// Which occurrence an exception that is a resource of its own stands for. One that was made while
/// the series was of the other kind (whole days, times) stands for none that the series now has:
/// Google shows it beside them.
pub(crate) fn exception_id(
    master: &When,
    original: &OriginalStart,
    floating: &ZoneName,
) -> RecurrenceId {
    match original {
        OriginalStart::Date(date) if !master.is_all_day() => RecurrenceId::Date(*date),
        // Google says it in one zone or another, now that the series has none.
        OriginalStart::At(at) if master.is_all_day() => {
            let zone = Zone::Named(floating.clone());
            let there = When::timed(LocalTime::new(at.wall, zone), None);
            recurrence_id_in(&there, original, floating)
        }
        original => recurrence_id_in(master, original, floating),
    }
}

/// The recurrence id of an exception whose master is elsewhere.
fn by_itself(original: &OriginalStart) -> RecurrenceId {
    match original {
        OriginalStart::Date(date) => RecurrenceId::Date(*date),
        OriginalStart::At(at) => RecurrenceId::Wall(at.wall),
    }
}

/// What the master gives at one occurrence.
pub fn inherited(master: &Fields, id: RecurrenceId) -> Fields {
    if let Some(fields) = onward_fields(master, id) {
        return fields;
    }
    Fields {
        when: inherited_when(master, id),
        recurrence: None,
        ..master.clone()
    }
}

/// The origin tag, if the resource stands on the name that the tag gives.
fn proven<S: SideTag>(observation: &Observation<S>) -> Option<crate::identity::OriginTag> {
    let tag = observation.tag.as_ref()?;
    tag.proves(observation).then(|| tag.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_timed_series_has_one_id_in_whatever_zone_it_is_written() {
        let zone = |name: &str| ZoneName::new(name).unwrap();
        let at = |hour: i8, name: &str| {
            let wall = jiff::civil::date(2026, 11, 15).at(hour, 0, 0, 0);
            OriginalStart::At(LocalTime::new(wall, Zone::Named(zone(name))))
        };
        let whole_days = When::all_day(jiff::civil::date(2026, 11, 14), None);
        let berlin = zone("Europe/Berlin");
        let id = |original| exception_id(&whole_days, &original, &berlin);
        assert_eq!(id(at(7, "America/New_York")), id(at(13, "Europe/Berlin")));
        let wall = jiff::civil::date(2026, 11, 15).at(13, 0, 0, 0);
        assert_eq!(id(at(12, "UTC")), RecurrenceId::Wall(wall));
    }
}
