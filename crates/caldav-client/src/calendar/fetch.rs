//! Many resources with their content: multiget in batches, reconciled with what was asked, and what
//! it leaves out one by one.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sync_engine::model::{Caldav, ResourceId};
use sync_engine::observation::Seen;

use super::Calendar;
use super::observe::Told;
use crate::error::{Error, Trouble};
use crate::etag;
use crate::href::Href;
use crate::multistatus::Entry;
use crate::requests::Multiget;

/// Resources in one multiget.
const BATCH: usize = 50;

/// What became of a multiget.
enum Batch {
    /// The answer.
    Answered(Vec<Entry>),
    /// Larger than we read: to be asked for in halves.
    TooLarge,
    /// Refused as a whole, or unreadable: to be asked for one by one.
    Useless,
}

impl Calendar {
    /// Reads these resources; each is answered exactly once.
    pub(super) async fn fetch_all(
        &self,
        resources: &[ResourceId<Caldav>],
    ) -> Result<Vec<Seen<Caldav>>, Error> {
        let unique: BTreeSet<_> = resources.iter().collect();
        let hrefs: Vec<Href> = unique.iter().map(|id| self.href(id, None)).collect();
        let batches: Vec<Vec<Href>> = hrefs.chunks(BATCH).map(<[Href]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.batch(batch))
            .buffer_unordered(2)
            .try_fold(Vec::new(), |mut all, some| async move {
                all.extend(some);
                Ok(all)
            })
            .await
    }

    async fn batch(&self, hrefs: Vec<Href>) -> Result<Vec<Seen<Caldav>>, Error> {
        let mut seen = Vec::with_capacity(hrefs.len());
        let mut alone = Vec::new();
        let mut queue = vec![hrefs];
        while let Some(asked) = queue.pop() {
            if asked.len() < 2 || self.session.profile().no_multiget {
                alone.extend(asked);
                continue;
            }
            match self.multiget(&asked).await? {
                Batch::Useless => alone.extend(asked),
                Batch::TooLarge => {
                    let (one, other) = asked.split_at(asked.len() / 2);
                    queue.push(one.to_vec());
                    queue.push(other.to_vec());
                }
                Batch::Answered(entries) => {
                    let named = self.reconcile(entries, asked);
                    alone.extend(named.failed);
                    // Some servers cap an answer without a word: the rest is asked for again as long
                    // as that brings anything.
                    if named.given.is_empty() {
                        alone.extend(named.omitted);
                    } else {
                        queue.push(named.omitted);
                    }
                    seen.extend(self.observe_all(named.given).await);
                }
            }
        }
        let singles: Vec<Seen<Caldav>> = stream::iter(alone)
            .map(|href| async move { self.single(&href).await })
            .buffer_unordered(4)
            .try_collect()
            .await?;
        seen.extend(singles);
        Ok(seen)
    }

    async fn multiget(&self, hrefs: &[Href]) -> Result<Batch, Error> {
        let request = Multiget {
            hrefs: hrefs.iter().map(|href| href.raw().to_owned()).collect(),
        };
        match self.session.run(&self.base, request).await {
            Ok(reply) => Ok(Batch::Answered(reply.answer)),
            Err(Trouble::Failure(failure)) => {
                tracing::debug!(%failure, "multiget is refused");
                if matches!(failure.status(), Some(403 | 405 | 415 | 501)) {
                    self.session.learn(|profile| profile.no_multiget = true);
                }
                Ok(Batch::Useless)
            }
            Err(Trouble::Error(Error::Unreachable {
                source: source @ outbound::Error::TooLarge { .. },
            })) => {
                self.note_oversized(source)?;
                Ok(Batch::TooLarge)
            }
            Err(Trouble::Error(error)) => Err(error),
        }
    }

    /// Takes from an answer what it really gives, and says what is left of what was asked.
    fn reconcile(&self, entries: Vec<Entry>, asked: Vec<Href>) -> Named {
        let mut answers: BTreeMap<ResourceId<Caldav>, Entry> = BTreeMap::new();
        for entry in entries {
            if let Some(href) = Href::parse(&self.base, &entry.href) {
                // Of two answers the one with content counts.
                let better = answers
                    .get(&href.id())
                    .is_none_or(|known| known.props.data.is_none());
                if better {
                    answers.insert(href.id(), entry);
                }
            }
        }
        let mut named = Named::default();
        for href in asked {
            let Some(entry) = answers.remove(&href.id()) else {
                named.omitted.push(href);
                continue;
            };
            let failed = entry.is_failure();
            match entry.props.data {
                Some(data) if !failed => {
                    let bytes = data.into_bytes();
                    let given = entry.props.etag.as_deref().and_then(etag::from_text);
                    if let Some(etag) = &given {
                        self.note_etag(etag);
                    }
                    named.given.push(Told {
                        href,
                        etag: Some(given.unwrap_or_else(|| etag::of_content(&bytes))),
                        modified: entry.props.modified,
                        bytes,
                    });
                }
                _ => named.failed.push(href),
            }
        }
        named
    }
}

/// What a multiget gave, and what it left unanswered.
#[derive(Default)]
struct Named {
    /// Content.
    given: Vec<Told>,
    /// Not a word about these.
    omitted: Vec<Href>,
    /// An answer without content.
    failed: Vec<Href>,
}
