//! Reading one side into its mirror. The cursor is stored last, with the last part of what was read
//! with it (an interrupted reading is read again).

use std::collections::BTreeSet;

use super::outcome::Outcome;
use super::{Halt, Run, side_warning};
use crate::mirror::{Reading, ReadingEnd};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, ResourceId, SideTag};
use crate::observation::Seen;
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
    /// though it was not: believed only when a later reading says so again. Returns how many
    /// resources are gone because a complete listing did not name them.
    pub(super) async fn read<P>(
        &self,
        port: &P,
        now: Timestamp,
        empty_since: &mut Option<Timestamp>,
        outcome: &Outcome,
    ) -> Result<u32, Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        let calendar = P::Tag::calendar(self.mapping);
        let state = self.store.calendar(calendar).await.map_err(Halt::Store)?;
        if let (Some(round), Some(read_at)) = (self.round, state.read_at)
            && read_at >= round
        {
            return Ok(0);
        }
        let listing = port.list(state.cursor.as_ref()).await?;
        if let Some(suspect) = &listing.suspect {
            outcome.warn([side_warning("suspect_read", P::Tag::SIDE, suspect)]);
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
            return Ok(0);
        }
        if !emptied {
            *empty_since = None;
        }
        let suspect = listing.suspect.is_some();
        let missing = if listing.complete && !suspect {
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
        let mut wanted = self.unknown_versions(calendar, versions).await?;
        let named: BTreeSet<ResourceId<P::Tag>> = wanted.iter().cloned().collect();
        // Absence from a list is not enough: each is asked for by itself (P3).
        wanted.extend(missing);
        let mut absent = 0_usize;
        for part in wanted.chunks(CHUNK) {
            for read in port.fetch(part).await? {
                let read = believed(read, &named);
                absent += usize::from(matches!(read, Seen::Gone { .. }));
                seen.push(read);
            }
            if seen.len() >= CHUNK {
                self.take(calendar, now, std::mem::take(&mut seen), None)
                    .await?;
            }
        }
        let end = ReadingEnd {
            cursor: listing.cursor,
            complete: listing.complete && !suspect,
        };
        self.take(calendar, now, seen, Some(end)).await?;
        Ok(u32::try_from(absent).unwrap_or(u32::MAX))
    }

    /// Resources whose version differs from the mirrored one: our own echoes are not among them.
    async fn unknown_versions<T: SideTag>(
        &self,
        calendar: &CalendarKey<T>,
        versions: Vec<(ResourceId<T>, Option<crate::model::Etag<T>>)>,
    ) -> Result<Vec<ResourceId<T>>, Halt<S::Error>> {
        if versions.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = versions.iter().map(|(id, _)| id.clone()).collect();
        let known = self
            .store
            .versions(calendar, Some(&ids))
            .await
            .map_err(Halt::Store)?;
        Ok(versions
            .into_iter()
            .filter(|(id, etag)| etag.is_none() || known.get(id) != Some(etag))
            .map(|(id, _)| id)
            .collect())
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
        seen: Vec<Seen<T>>,
        end: Option<ReadingEnd<T>>,
    ) -> Result<(), Halt<S::Error>> {
        self.store
            .record(
                calendar,
                Reading {
                    at,
                    seen,
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
