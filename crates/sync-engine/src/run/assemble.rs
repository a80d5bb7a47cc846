//! From changed keys to whole series: rows, both sides' views, and who belongs to whom.
//!
//! Identity is looked up here in the order of the semantics: the row that links it, proof of origin,
//! equal UID. (Equal content, in a first run only, is the planner's: it must see all candidates.)

use std::collections::{BTreeMap, BTreeSet};

use super::{Halt, Run};
use crate::identity::{OriginTag, PairKey};
use crate::mapping::Direction;
use crate::mirror::Mirrored;
use crate::model::{Caldav, Google, SeriesKey, Side, SideTag, Uid};
use crate::plan::SeriesInput;
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{ChangeSet, Store};
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::{Snapshot, View, view};

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Puts together every series that a plan has to look at.
    pub(super) async fn assemble(
        &self,
        changes: &ChangeSet,
    ) -> Result<Vec<SeriesInput>, Halt<S::Error>> {
        let rows = self
            .store
            .rows(
                &self.mapping.id,
                &changes.due,
                &changes.caldav,
                &changes.google,
            )
            .await
            .map_err(Halt::Store)?;
        let mut caldav: BTreeSet<_> = changes.caldav.iter().cloned().collect();
        let mut google: BTreeSet<_> = changes.google.iter().cloned().collect();
        let fresh = (caldav.clone(), google.clone());
        for row in &rows {
            caldav.extend(
                row.link::<Caldav>()
                    .into_iter()
                    .flat_map(|link| link.keys.clone()),
            );
            google.extend(
                row.link::<Google>()
                    .into_iter()
                    .flat_map(|link| link.keys.clone()),
            );
        }
        let mut on_caldav = self.load::<Caldav>(&caldav).await?;
        let mut on_google = self.load::<Google>(&google).await?;
        let mut inputs = Vec::new();
        for row in rows {
            let input = SeriesInput {
                fresh: row
                    .link::<Caldav>()
                    .is_some_and(|link| link.keys.iter().any(|key| fresh.0.contains(key)))
                    || row
                        .link::<Google>()
                        .is_some_and(|link| link.keys.iter().any(|key| fresh.1.contains(key))),
                views: crate::model::Both {
                    caldav: self.take_linked(&mut on_caldav, &row),
                    google: self.take_linked(&mut on_google, &row),
                },
                row: Some(row),
                ..SeriesInput::default()
            };
            inputs.push(input);
        }
        for input in &mut inputs {
            self.notice_replaced::<Caldav>(input).await?;
            self.notice_replaced::<Google>(input).await?;
        }
        // What no row links: match the two sides by proof of origin, then by UID.
        let mut alone: Vec<SeriesInput> = Vec::new();
        let (on_caldav, on_google) = match self.mapping.direction {
            Direction::GoogleToCaldav => {
                let (google, caldav) = self
                    .pair_up(on_google, on_caldav, &mut inputs, &mut alone)
                    .await?;
                (caldav, google)
            }
            Direction::CaldavToGoogle => {
                self.pair_up(on_caldav, on_google, &mut inputs, &mut alone)
                    .await?
            }
            Direction::Bidirectional => {
                // Natives of both sides first: a copy of ours belongs to what it was made of, and to
                // another copy only where that is gone.
                let (copies, natives) = self.copies(on_caldav);
                let (mut caldav, google) = self
                    .pair_up(natives, on_google, &mut inputs, &mut alone)
                    .await?;
                caldav.extend(copies);
                let (copies, natives) = self.copies(google);
                let (mut google, caldav) = self
                    .pair_up(natives, caldav, &mut inputs, &mut alone)
                    .await?;
                google.extend(copies);
                let (caldav, google) = self
                    .pair_up(caldav, google, &mut inputs, &mut alone)
                    .await?;
                let (google, caldav) = self
                    .pair_up(google, caldav, &mut inputs, &mut alone)
                    .await?;
                (caldav, google)
            }
        };
        self.unpaired(on_caldav, &mut alone);
        self.unpaired(on_google, &mut alone);
        self.notice_continuing(&mut alone).await?;
        inputs.extend(alone);
        self.notice_sharing(&mut inputs).await?;
        Ok(inputs)
    }

    /// A series of which the mirror knows nothing any more, though it knows what now stands where it
    /// stood (another UID, no event): it is gone from there, and nowhere else.
    async fn notice_replaced<T: Sided>(
        &self,
        input: &mut SeriesInput,
    ) -> Result<(), Halt<S::Error>> {
        let link = input.row.as_ref().and_then(Row::link::<T>);
        let (Some(link), View::Unknown) = (link, input.views.get::<T>()) else {
            return Ok(());
        };
        if link.gone {
            *input.views.get_mut::<T>() = View::Gone { shown: true };
            return Ok(());
        }
        let stood: Vec<_> = link.resources.iter().map(|(_, id)| id.clone()).collect();
        if stood.is_empty() {
            return Ok(());
        }
        let shown = link.shown;
        let replaced = self
            .store
            .versions(T::calendar(self.mapping), Some(&stood))
            .await
            .map_err(Halt::Store)?;
        if !replaced.is_empty() {
            *input.views.get_mut::<T>() = View::Gone { shown };
        }
        Ok(())
    }

    /// Copies of ours, and everything else.
    fn copies<T: Sided>(&self, all: Loaded<T>) -> (Loaded<T>, Loaded<T>) {
        let floating = self.floating();
        all.into_iter().partition(|(_, resources)| {
            view(resources, None, &floating)
                .present()
                .is_some_and(|snapshot| snapshot.copy.is_some())
        })
    }

    /// Joins unlinked sources with their counterparts on the target. Returns what found none, of
    /// either side.
    async fn pair_up<A: Sided, B: Sided>(
        &self,
        sources: Loaded<A>,
        mut targets: Loaded<B>,
        linked: &mut [SeriesInput],
        paired: &mut Vec<SeriesInput>,
    ) -> Result<(Loaded<A>, Loaded<B>), Halt<S::Error>> {
        let floating = self.floating();
        let pair = self.mapping.pair();
        let mut found: Vec<(Who<A>, View<A>)> = Vec::new();
        for (index, input) in linked.iter().enumerate() {
            let waits = input
                .row
                .as_ref()
                .is_some_and(|row| row.link::<A>().is_some() && row.link::<B>().is_none());
            if waits {
                found.push((Who::Row(index), input.views.get::<A>().clone()));
            }
        }
        for (key, resources) in sources {
            let seen = view(&resources, None, &floating);
            found.push((Who::New(key, resources), seen));
        }
        let uids: Vec<Uid> = found
            .iter()
            .filter_map(|(_, view)| Some(view.present()?.uid.clone()))
            .collect();
        let hashes: Vec<String> = found
            .iter()
            .filter_map(|(_, view)| view.present())
            .flat_map(|a| names(a, &pair))
            .collect();
        let calendar = B::calendar(self.mapping);
        let by_origin = self
            .store
            .series_by_origin(calendar, &hashes)
            .await
            .map_err(Halt::Store)?;
        let by_uid = self
            .store
            .series_by_uid(calendar, &uids)
            .await
            .map_err(Halt::Store)?;
        // What has its counterpart already.
        let used: BTreeSet<SeriesKey<B>> = linked
            .iter()
            .chain(paired.iter())
            .filter_map(|input| input.views.get::<B>().present())
            .flat_map(|snapshot| snapshot.keys.clone())
            .collect();
        let wanted: BTreeSet<SeriesKey<B>> = by_origin
            .iter()
            .map(|(_, key)| key.clone())
            .chain(by_uid.iter().map(|(_, key)| key.clone()))
            .filter(|key| !targets.contains_key(key) && !used.contains(key))
            .collect();
        let taken = self.taken::<B>(&wanted).await?;
        let unlinked: BTreeSet<_> = wanted.difference(&taken).cloned().collect();
        let changed: BTreeSet<SeriesKey<B>> = targets.keys().cloned().collect();
        targets.extend(self.load::<B>(&unlinked).await?);
        // A native is what a copy was made of; another copy of ours only looks like it.
        found.sort_by_key(|(_, view)| view.present().is_some_and(|a| a.copy.is_some()));
        let mut lonely: Loaded<A> = BTreeMap::new();
        for (who, source) in found {
            let counterpart = source.present().and_then(|a| {
                names(a, &pair).into_iter().find_map(|hash| {
                    counterpart(&a.uid, &hash, &by_origin, &by_uid, &mut targets, &floating)
                })
            });
            match (who, counterpart) {
                (Who::Row(_), None) => {}
                (Who::Row(index), Some(counterpart)) => {
                    if let Some(input) = linked.get_mut(index) {
                        *input.views.get_mut::<B>() = counterpart;
                    }
                }
                (Who::New(key, resources), None) => {
                    lonely.insert(key, resources);
                }
                (Who::New(..), Some(counterpart)) => {
                    let mut input = SeriesInput {
                        fresh: true,
                        ..SeriesInput::default()
                    };
                    *input.views.get_mut::<A>() = source;
                    *input.views.get_mut::<B>() = counterpart;
                    paired.push(input);
                }
            }
        }
        // What was only looked at, and did not match, did not change.
        targets.retain(|key, _| changed.contains(key));
        Ok((lonely, targets))
    }

    /// Series that only one side has.
    fn unpaired<T: Sided>(&self, lonely: Loaded<T>, alone: &mut Vec<SeriesInput>) {
        for resources in lonely.into_values() {
            let mut input = SeriesInput {
                fresh: true,
                ..SeriesInput::default()
            };
            *input.views.get_mut::<T>() = view(&resources, None, &self.floating());
            alone.push(input);
        }
    }

    /// "This and following" at Google names the new series after the one it cut.
    async fn notice_continuing(&self, alone: &mut [SeriesInput]) -> Result<(), Halt<S::Error>> {
        let base = |input: &SeriesInput| -> Option<SeriesKey<Google>> {
            let key = input.views.google.present()?.keys.first()?;
            let (base, _) = key.as_str().rsplit_once("_R")?;
            Some(SeriesKey::new(base))
        };
        let bases: BTreeSet<_> = alone.iter().filter_map(base).collect();
        if bases.is_empty() {
            return Ok(());
        }
        let tracked = self.taken::<Google>(&bases).await?;
        for input in alone {
            input.continues = base(input).is_some_and(|base| tracked.contains(&base));
        }
        Ok(())
    }

    /// Which of these series a row of this mapping links already.
    async fn taken<T: Sided>(
        &self,
        keys: &BTreeSet<SeriesKey<T>>,
    ) -> Result<BTreeSet<SeriesKey<T>>, Halt<S::Error>> {
        let keys: Vec<_> = keys.iter().cloned().collect();
        let (caldav, google): (Vec<_>, Vec<_>) = match T::SIDE {
            Side::Caldav => (
                keys.iter()
                    .map(|key| SeriesKey::new(key.as_str()))
                    .collect(),
                Vec::new(),
            ),
            Side::Google => (
                Vec::new(),
                keys.iter()
                    .map(|key| SeriesKey::new(key.as_str()))
                    .collect(),
            ),
        };
        let rows = self
            .store
            .rows(&self.mapping.id, &[], &caldav, &google)
            .await
            .map_err(Halt::Store)?;
        Ok(rows
            .iter()
            .filter_map(Row::link::<T>)
            .flat_map(|link| link.keys.iter().cloned())
            .collect())
    }

    pub(super) async fn load<T: Sided>(
        &self,
        keys: &BTreeSet<SeriesKey<T>>,
    ) -> Result<Loaded<T>, Halt<S::Error>> {
        let keys: Vec<_> = keys.iter().cloned().collect();
        let mut loaded: Loaded<T> = BTreeMap::new();
        if keys.is_empty() {
            return Ok(loaded);
        }
        let resources = self
            .store
            .mirrored(T::calendar(self.mapping), &keys)
            .await
            .map_err(Halt::Store)?;
        for resource in resources {
            loaded
                .entry(resource.series.clone())
                .or_default()
                .push(resource);
        }
        Ok(loaded)
    }

    pub(super) fn take_linked<T: SideTag>(&self, loaded: &mut Loaded<T>, row: &Row) -> View<T> {
        let Some(link) = row.link::<T>() else {
            return View::Unknown;
        };
        let resources: Vec<_> = link
            .keys
            .iter()
            .filter_map(|key| loaded.remove(key))
            .flatten()
            .collect();
        view(&resources, Some(link), &self.floating())
    }
}

/// Whose source is looked for.
enum Who<A: SideTag> {
    /// A row that is linked on this side only.
    Row(usize),
    /// A series that nothing links.
    New(SeriesKey<A>, Vec<Mirrored<A>>),
}

/// How the other side's copy of a series may name it: by its UID, or, where this one is a copy of
/// ours too, by the same hash.
fn names<A: SideTag>(a: &Snapshot<A>, pair: &PairKey) -> Vec<String> {
    let own = a.copy.as_ref().filter(|tag| tag.pair == *pair);
    [OriginTag::hash_of(pair, &a.uid)]
        .into_iter()
        .chain(own.map(|tag| tag.uid_hash.clone()))
        .collect()
}

/// Mirrored resources by series.
pub(super) type Loaded<T> = BTreeMap<SeriesKey<T>, Vec<Mirrored<T>>>;

/// The target's part of a source: proof of origin first, then an equal UID.
fn counterpart<B: SideTag>(
    uid: &Uid,
    hash: &str,
    by_origin: &[(String, SeriesKey<B>)],
    by_uid: &[(Uid, SeriesKey<B>)],
    targets: &mut Loaded<B>,
    floating: &crate::model::ZoneName,
) -> Option<View<B>> {
    // Whoever duplicated an event copied its tag too: only what proves itself belongs here. Each series
    // once, though its exceptions carry the tag as well.
    let keys: BTreeSet<&SeriesKey<B>> = by_origin
        .iter()
        .filter(|(found, _)| found == hash)
        .map(|(_, key)| key)
        .filter(|key| {
            targets
                .get(*key)
                .is_some_and(|resources| resources.iter().any(|resource| proves(resource, hash)))
        })
        .collect();
    // A series that was expanded has many: they belong together. What proves itself brings its
    // exceptions along, which may carry no tag of their own.
    let proven: Vec<Mirrored<B>> = keys
        .iter()
        .filter_map(|key| targets.get(key))
        .flatten()
        .cloned()
        .collect();
    let alive = crate::snapshot::together(&proven, floating);
    if alive.present().is_some() {
        for key in keys {
            targets.remove(key);
        }
        return Some(alive);
    }
    let key = by_uid
        .iter()
        .find(|(found, _)| found == uid)
        .map(|(_, key)| key)?;
    let resources = targets.remove(key)?;
    let found = view(&resources, None, floating);
    // A copy that proves another source is not this one's, whatever UID it carries.
    match found.present() {
        Some(snapshot) if snapshot.copy.is_some() => None,
        _ => Some(found),
    }
}

/// Whether a resource's own name proves that it is a copy of the source with this hash.
fn proves<B: SideTag>(resource: &Mirrored<B>, hash: &str) -> bool {
    resource.observation.as_ref().is_some_and(|observation| {
        observation
            .tag
            .as_ref()
            .is_some_and(|tag| tag.uid_hash == hash && tag.proves(observation))
    })
}
