//! Reading one side into its mirror. The cursor is stored last, with the last part of what was read
//! with it (an interrupted reading is read again).

use std::collections::BTreeSet;

use super::outcome::Outcome;
use super::{Halt, Run, side_warning};
use crate::mirror::{MirrorState, Reading, ReadingEnd};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, ResourceId, SeriesKey, SideTag};
use crate::observation::{Content, Seen};
use crate::ports::Clock;
use crate::ports::side::{Listed, Listing, SidePort};
use crate::ports::store::{CalendarKey, Store};
use crate::sided::Sided;

/// Bodies fetched and stored at a time: bounds memory, and what an interruption costs.
const CHUNK: usize = 200;

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Reads what changed on one side. `empty_since` remembers that the calendar answers empty
    /// though it was not: believed only when a later reading says so again.
    pub(super) async fn read<P>(
        &self,
        port: &P,
        now: Timestamp,
        round: Option<Timestamp>,
        empty_since: &mut Option<Timestamp>,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        let calendar = P::Tag::calendar(self.mapping);
        let state = self.store.calendar(calendar).await.map_err(Halt::Store)?;
        if let (Some(round), Some(read_at)) = (round, state.read_at)
            && read_at >= round
        {
            return Ok(());
        }
        let mut listing = port.list(state.cursor.as_ref()).await?;
        if self.revives(port, calendar, &listing).await? {
            // What was changed or called off inside a series before it went comes back with it, and
            // only a complete listing names that.
            listing = port.list(None).await?;
        }
        if let Some(suspect) = &listing.suspect {
            // What it shows looks like edits and deletions and may be neither: nothing of it counts,
            // and the next reading begins where this one did.
            outcome.warn([side_warning("suspect_read", P::Tag::SIDE, suspect)]);
            return Ok(());
        }
        let emptied = listing.complete && listing.items.is_empty() && state.present > 0;
        if emptied && empty_since.is_none() {
            *empty_since = Some(now);
            outcome.warn([side_warning(
                "empty_read",
                P::Tag::SIDE,
                "the calendar answers that it is empty, though it was not. Nothing is taken for \
                 deleted unless the next reading says the same.",
            )]);
            return Ok(());
        }
        if !emptied {
            *empty_since = None;
        }
        let missing = if listing.complete {
            self.missing(calendar, &listing).await?
        } else {
            Vec::new()
        };
        let mut seen = Vec::new();
        let mut versions = Vec::new();
        for item in listing.items {
            match item {
                Listed::Seen(item) => seen.push(item),
                Listed::Version { resource, etag } => versions.push((resource, etag)),
            }
        }
        let (mut wanted, same) = self.sort_versions(calendar, versions).await?;
        let named: BTreeSet<ResourceId<P::Tag>> = wanted.iter().cloned().collect();
        let unlisted: BTreeSet<ResourceId<P::Tag>> = missing.iter().cloned().collect();
        // Absence from a list is not enough: each is asked for by itself (P3).
        wanted.extend(missing);
        for part in wanted.chunks(CHUNK) {
            for read in port.fetch(part).await? {
                seen.push(believed(read, &named));
            }
            if seen.len() >= CHUNK {
                let seen = std::mem::take(&mut seen);
                self.take(calendar, now, (seen, &unlisted), Vec::new(), None)
                    .await?;
            }
        }
        let end = ReadingEnd {
            cursor: listing.cursor,
            complete: listing.complete,
        };
        self.take(calendar, now, (seen, &unlisted), same, Some(end))
            .await
    }

    /// Whether a series is there again that was gone, on a side whose exceptions are resources of their
    /// own.
    async fn revives<P>(
        &self,
        port: &P,
        calendar: &CalendarKey<P::Tag>,
        listing: &Listing<P::Tag>,
    ) -> Result<bool, Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        if listing.complete || !port.capabilities().exceptions_apart {
            return Ok(false);
        }
        let repeats = |content: &Content| match content {
            Content::Series(series) => series.recurring_master().is_some(),
            Content::Exception { .. } => false,
        };
        let masters: Vec<SeriesKey<P::Tag>> = listing
            .items
            .iter()
            .filter_map(|item| match item {
                Listed::Seen(Seen::Present(seen)) if repeats(&seen.content) => {
                    Some(seen.series.clone())
                }
                _ => None,
            })
            .collect();
        if masters.is_empty() {
            return Ok(false);
        }
        let known = self
            .store
            .mirrored(calendar, &masters)
            .await
            .map_err(Halt::Store)?;
        Ok(known.iter().any(|mirrored| {
            mirrored.state == MirrorState::Gone
                && mirrored
                    .observation
                    .as_ref()
                    .is_some_and(|known| known.resource.as_str() == mirrored.series.as_str())
        }))
    }

    /// Resources whose version differs from the mirrored one, and those that stand as the mirror has
    /// them: our own echoes are among these and not read again.
    async fn sort_versions<T: SideTag>(
        &self,
        calendar: &CalendarKey<T>,
        versions: Vec<(ResourceId<T>, Option<crate::model::Etag<T>>)>,
    ) -> Result<(Vec<ResourceId<T>>, Vec<ResourceId<T>>), Halt<S::Error>> {
        if versions.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let ids: Vec<_> = versions.iter().map(|(id, _)| id.clone()).collect();
        let known = self
            .store
            .versions(calendar, Some(&ids))
            .await
            .map_err(Halt::Store)?;
        let (new, same): (Vec<_>, Vec<_>) = versions
            .into_iter()
            .partition(|(id, etag)| etag.is_none() || known.get(id) != Some(etag));
        let ids = |versions: Vec<(ResourceId<T>, _)>| versions.into_iter().map(|(id, _)| id);
        Ok((ids(new).collect(), ids(same).collect()))
    }

    /// Resources the mirror holds as there and a complete listing does not name.
    async fn missing<T: SideTag>(
        &self,
        calendar: &CalendarKey<T>,
        listing: &Listing<T>,
    ) -> Result<Vec<ResourceId<T>>, Halt<S::Error>> {
        let listed: BTreeSet<&ResourceId<T>> = listing
            .items
            .iter()
            .map(|item| match item {
                Listed::Seen(seen) => seen.resource(),
                Listed::Version { resource, .. } => resource,
            })
            .collect();
        let known = self
            .store
            .versions(calendar, None)
            .await
            .map_err(Halt::Store)?;
        Ok(known
            .into_keys()
            .filter(|id| !listed.contains(id))
            .collect())
    }

    async fn take<T: SideTag>(
        &self,
        calendar: &CalendarKey<T>,
        at: Timestamp,
        (seen, unlisted): (Vec<Seen<T>>, &BTreeSet<ResourceId<T>>),
        same: Vec<ResourceId<T>>,
        end: Option<ReadingEnd<T>>,
    ) -> Result<(), Halt<S::Error>> {
        let named = seen.iter().map(Seen::resource);
        let unlisted = named.filter(|id| unlisted.contains(id)).cloned().collect();
        self.store
            .record(
                calendar,
                Reading {
                    at,
                    seen,
                    unlisted,
                    same,
                    shown: true,
                    end,
                },
            )
            .await
            .map_err(Halt::Store)
    }
}

/// What this very listing named is not gone because it was not found a moment later: that is an
/// error of reading (P3). If it really went, the next listing says so.
fn believed<T: SideTag>(seen: Seen<T>, named: &BTreeSet<ResourceId<T>>) -> Seen<T> {
    match seen {
        Seen::Gone { resource } if named.contains(&resource) => Seen::Unreadable {
            resource,
            etag: None,
            reason: "The server lists it, but answers that it is not there.".to_owned(),
        },
        seen => seen,
    }
}
