//! What changed, or all there is: the ladder `sync-collection`, then `getctag` with a list of ETags,
//! then that list alone.
//!
//! A complete listing is always a plain PROPFIND where that can be had: servers that take any token
//! answer with whatever they like, and nobody lies about a directory. Its token or ctag is asked for
//! first, so that what changes in between is seen again instead of never.

mod items;

use sync_engine::model::{Caldav, Cursor};
use sync_engine::ports::{Listed, Listing};

use super::Calendar;
use crate::cursor::{Mode, Position};
use crate::error::{Error, Trouble};
use crate::multistatus::Entry;
use crate::requests::{CollectionState, Failure, ListEtags, ReadCollection, SyncCollection};

/// Pages followed at most, and what they may name together.
const MOST_PAGES: usize = 1000;
const MOST_RESOURCES: usize = 200_000;
/// A token refused so often in a row is not worth asking for, until the next daily listing.
const MOST_REFUSALS: u8 = 2;
/// From how many members on a report of all of them is taken for an answer to another question.
const SUSPICIOUS: usize = 5;

/// What a report on changes came to.
enum Changes {
    /// These, and from there on.
    Pages(Vec<Entry>, Option<String>),
    /// The token or the report is refused, or the answer is of no use.
    Refused,
}

impl Calendar {
    /// Lists what changed since `cursor`, or everything.
    pub(super) async fn listing(
        &self,
        cursor: Option<&Cursor<Caldav>>,
    ) -> Result<Listing<Caldav>, Error> {
        let position = cursor
            .and_then(Position::read)
            .filter(|position| !position.is_due(self.now));
        match position {
            None => self.everything(0).await,
            Some(position) => match position.mode.clone() {
                Mode::Sync { token, ctag } => self.since(position, token, ctag).await,
                Mode::Ctag { ctag } => {
                    let state = self.state().await?;
                    if state.ctag.as_deref() == Some(&*ctag) {
                        Ok(listing(Vec::new(), false, &position))
                    } else {
                        self.everything_from(state, position.refusals).await
                    }
                }
                Mode::List => {
                    // There is no state to ask for; the daily listing looks whether there is now.
                    let items = self.items(&self.directory(false).await?);
                    Ok(listing(items, true, &position))
                }
            },
        }
    }

    /// What changed since a token.
    async fn since(
        &self,
        mut position: Position,
        token: String,
        ctag: Option<String>,
    ) -> Result<Listing<Caldav>, Error> {
        let (entries, next) = match self.pages(Some(token.clone())).await? {
            Changes::Pages(entries, next) => (entries, next),
            Changes::Refused => {
                tracing::debug!(url = %outbound::shown(&self.base), "the sync token is refused");
                return self.everything(position.refusals.saturating_add(1)).await;
            }
        };
        let items = self.items(&entries);
        let present = items.iter().filter(|item| !is_gone(item)).count();
        if present >= SUSPICIOUS.max(position.members - position.members / 4) {
            // Nearly all there is: the server may have forgotten its history, and with it what was
            // deleted.
            return self.everything(position.refusals).await;
        }
        let next = next.unwrap_or_else(|| token.clone());
        if entries.is_empty() && next != token && !position.restless {
            // Another token and no change. A backup restored on the server looks so, and so does a
            // server that counts seconds: its ctag tells which.
            let state = self.state().await?;
            if ctag.is_none() || state.ctag != ctag {
                return self.everything_from(state, position.refusals).await;
            }
            position.restless = true;
        }
        position.refusals = 0;
        position.mode = Mode::Sync { token: next, ctag };
        Ok(listing(items, false, &position))
    }

    /// Follows a report to its last page.
    async fn pages(&self, mut token: Option<String>) -> Result<Changes, Error> {
        let mut entries = Vec::new();
        for _ in 0..MOST_PAGES {
            let request = SyncCollection {
                token: token.clone(),
            };
            let page = match self.session.run(&self.base, request).await {
                Ok(reply) => reply.answer,
                Err(Trouble::Failure(failure)) => {
                    // Every spelling of a refusal (403, 409, 412, 400, 415, 501, 507, …) and every
                    // unreadable answer leads down the ladder, where what is really wrong will show.
                    tracing::debug!(%failure, "sync-collection is refused");
                    return Ok(Changes::Refused);
                }
                Err(Trouble::Error(error)) => return Err(error),
            };
            entries.extend(page.entries);
            if entries.len() > MOST_RESOURCES {
                // Pages that go on and on; the plain listing has a limit of its own.
                return Ok(Changes::Refused);
            }
            if !page.truncated {
                return Ok(Changes::Pages(entries, page.token));
            }
            if page.token.is_none() || page.token == token {
                return Ok(Changes::Refused);
            }
            token = page.token;
        }
        Ok(Changes::Refused)
    }

    /// The calendar's state as a whole.
    async fn state(&self) -> Result<CollectionState, Error> {
        match self.session.run(&self.base, ReadCollection).await {
            Ok(reply) => Ok(reply.answer),
            Err(trouble) => Err(trouble.on_calendar(&self.host(), "reading the calendar's state")),
        }
    }

    async fn everything(&self, refusals: u8) -> Result<Listing<Caldav>, Error> {
        let state = self.state().await?;
        self.everything_from(state, refusals).await
    }

    /// A complete listing, given the calendar's state before it.
    async fn everything_from(
        &self,
        state: CollectionState,
        refusals: u8,
    ) -> Result<Listing<Caldav>, Error> {
        let reports = state
            .sync_report
            .unwrap_or_else(|| state.sync_token.is_some());
        let sync = reports && refusals < MOST_REFUSALS;
        let mut token = state.sync_token.clone().filter(|_| sync);
        let mut entries = None;
        if sync && token.is_none() {
            // The report is there, its token is not a property: a first report gives both.
            if let Changes::Pages(all, Some(next)) = self.pages(None).await? {
                entries = Some(all);
                token = Some(next);
            }
        }
        let entries = match entries {
            Some(entries) => entries,
            None => self.directory(reports).await?,
        };
        let mut items = self.items(&entries);
        // A first report may name what was deleted long ago.
        items.retain(|item| !is_gone(item));
        let mode = match (token, state.ctag) {
            (Some(token), ctag) => Mode::Sync { token, ctag },
            (None, Some(ctag)) => Mode::Ctag { ctag },
            (None, None) => Mode::List,
        };
        let position = Position {
            mode,
            listed_at: self.now,
            members: items.len(),
            refusals,
            restless: false,
        };
        let mut listing = listing(items, true, &position);
        if state.calendar == Some(false) {
            listing.suspect =
                Some("the collection no longer says that it is a calendar".to_owned());
        }
        Ok(listing)
    }

    /// Everything by PROPFIND; where that is cut short, by a first report with its pages.
    async fn directory(&self, reports: bool) -> Result<Vec<Entry>, Error> {
        let host = self.host();
        let cut = match self.session.run(&self.base, ListEtags).await {
            Ok(reply) => {
                let itself = |entry: &&Entry| {
                    entry.is_failure() && !entry.is_truncation() && self.is_itself(&entry.href)
                };
                if let Some(status) = reply
                    .answer
                    .entries
                    .iter()
                    .find(itself)
                    .and_then(|e| e.status)
                {
                    let failure = Failure::Status {
                        status,
                        error: crate::multistatus::DavError::default(),
                        uid_taken: false,
                    };
                    return Err(
                        Trouble::Failure(failure).on_calendar(&host, "listing the calendar")
                    );
                }
                if !reply.answer.entries.iter().any(Entry::is_truncation) {
                    return Ok(reply.answer.entries);
                }
                true
            }
            Err(trouble) if trouble.status() == Some(507) => true,
            Err(trouble) => return Err(trouble.on_calendar(&host, "listing the calendar")),
        };
        if cut
            && reports
            && let Changes::Pages(entries, _) = self.pages(None).await?
        {
            return Ok(entries);
        }
        Err(Error::Truncated { host })
    }
}

fn is_gone(item: &Listed<Caldav>) -> bool {
    matches!(
        item,
        Listed::Seen(sync_engine::observation::Seen::Gone { .. })
    )
}

fn listing(items: Vec<Listed<Caldav>>, complete: bool, position: &Position) -> Listing<Caldav> {
    Listing {
        items,
        complete,
        cursor: position.cursor(),
        suspect: None,
    }
}
