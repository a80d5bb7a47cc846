//! Reading single events, each by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sync_engine::model::{Etag, Fields, Google, OverrideValue, ResourceId};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::projection::expand::is_occurrence;
use sync_engine::recurrence::ids::{inherited_when, recurrence_id_in};

use super::{CONCURRENCY, GoogleCalendar};
use crate::error::Error;
use crate::refusal::Reason;
use crate::requests::Get;
use crate::requests::list::CalendarProbe;
use crate::requests::wire::Event;

/// Answers to questions for single events.
type Answers = BTreeMap<String, Found>;

/// What was found where an event should be.
enum Found {
    Nothing,
    Event(Box<Event>),
    /// An answer that cannot be read.
    Strange,
}

impl Found {
    fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Nothing | Self::Strange => None,
        }
    }

    fn of(event: Option<Event>) -> Self {
        event.map_or(Self::Nothing, |event| Self::Event(Box::new(event)))
    }
}

impl GoogleCalendar {
    pub(super) async fn fetched(
        &self,
        resources: &[ResourceId<Google>],
    ) -> Result<Vec<Seen<Google>>, Error> {
        let ids: BTreeSet<String> = resources.iter().map(|id| id.as_str().to_owned()).collect();
        let answers = self.events(ids).await?;
        self.probe(&answers).await?;
        let mut seen = self.judged(answers).await?;
        Ok(resources
            .iter()
            .filter_map(|id| seen.remove(id.as_str()))
            .collect())
    }

    /// Where access is lost, every event is "not found": that is no proof of anything. And where
    /// something else answers in Google's place, no event is strange.
    async fn probe(&self, answers: &Answers) -> Result<(), Error> {
        if answers.values().any(|found| found.event().is_none()) {
            let calendar = self.id.clone();
            self.session().call(&CalendarProbe { calendar }).await?;
        }
        Ok(())
    }

    /// What stands at this id now.
    pub(super) async fn look(&self, id: &str) -> Result<Seen<Google>, Error> {
        let answers = Answers::from([(id.to_owned(), Found::of(self.event(id).await?))]);
        self.probe(&answers).await?;
        let seen = self.judged(answers).await?.remove(id);
        Ok(seen.unwrap_or_else(|| Seen::Gone {
            resource: ResourceId::new(id),
        }))
    }

    /// An event as it stands; `None` if it is not found, looked for twice.
    pub(super) async fn event(&self, id: &str) -> Result<Option<Event>, Error> {
        let request = Get {
            calendar: self.id.clone(),
            event: id.to_owned(),
        };
        for attempt in 0..2 {
            if attempt > 0 {
                self.session().time.0.sleep(Duration::from_secs(1)).await;
            }
            match self.session().call(&request).await {
                Ok(event) => return Ok(Some(event)),
                Err(error) if error.reason() == Some(Reason::Deleted) => return Ok(None),
                Err(error) if error.reason() == Some(Reason::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn events(&self, ids: BTreeSet<String>) -> Result<Answers, Error> {
        stream::iter(ids)
            .map(|id| async move {
                match self.event(&id).await {
                    Ok(event) => Ok((id, Found::of(event))),
                    // One strange event is one strange event.
                    Err(error) if is_about_the_answer(&error) => Ok((id, Found::Strange)),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// What the answers mean. An instance is judged with its series beside it: a cancelled one is
    /// a hole in a series only while that lives, and one that Google merely computes is nothing
    /// of its own.
    async fn judged(&self, answers: Answers) -> Result<BTreeMap<String, Seen<Google>>, Error> {
        let series: BTreeSet<String> = answers
            .values()
            .filter_map(|found| found.event()?.recurring_event_id.clone())
            .collect();
        let masters = self.events(series).await?;
        let setting = self.setting();
        Ok(answers
            .into_iter()
            .map(|(id, found)| {
                let resource = ResourceId::new(id.clone());
                let event = match found {
                    Found::Event(event) => *event,
                    Found::Nothing => return (id, Seen::Gone { resource }),
                    Found::Strange => return (id, strange(resource)),
                };
                let series = event.recurring_event_id.as_ref();
                let master = series.and_then(|id| masters.get(id));
                if matches!(master, Some(Found::Strange)) {
                    return (id, strange(resource));
                }
                let master = master.and_then(Found::event);
                let orphaned = event.is_cancelled()
                    && series.is_some()
                    && master.is_none_or(Event::is_cancelled);
                // The role may have shrunk since the listing: texts that are hidden are not empty.
                let read = if event.is_stripped() {
                    Some(hidden(&event, &resource))
                } else {
                    crate::event::read(&event, &setting)
                };
                let virtual_only = match (&read, master) {
                    (Some(Seen::Present(instance)), Some(master)) => {
                        match crate::event::read(master, &setting) {
                            Some(Seen::Present(master)) => is_computed(instance, &master),
                            _ => false,
                        }
                    }
                    _ => false,
                };
                let seen = match read {
                    _ if orphaned || virtual_only => Seen::Gone { resource },
                    Some(seen) => seen,
                    None => Seen::Unreadable {
                        resource,
                        etag: event.etag.map(Etag::new),
                        reason: "Google shows this event without its id.".to_owned(),
                    },
                };
                (id, seen)
            })
            .collect())
    }
}

/// Whether a request failed by what came back, and not by the way there.
fn is_about_the_answer(error: &Error) -> bool {
    matches!(
        error,
        Error::Unintelligible { .. }
            | Error::Unreachable {
                source: outbound::Error::TooLarge { .. },
                ..
            }
    )
}

fn strange(resource: ResourceId<Google>) -> Seen<Google> {
    Seen::Unreadable {
        resource,
        etag: None,
        reason: "Google shows this event in a form that is not understood.".to_owned(),
    }
}

fn hidden(event: &Event, resource: &ResourceId<Google>) -> Seen<Google> {
    Seen::Unreadable {
        resource: resource.clone(),
        etag: event.etag.clone().map(Etag::new),
        reason: "The details of this Google event are hidden from this account.".to_owned(),
    }
}

/// Whether an instance is nothing but what its series gives: it has the series' version and values,
/// at a time that the series takes place at (what stands elsewhere is what was left of another rule).
fn is_computed(instance: &Observation<Google>, master: &Observation<Google>) -> bool {
    let Content::Exception {
        original,
        value: OverrideValue::Fields(fields),
    } = &instance.content
    else {
        return false;
    };
    let Content::Series(series) = &master.content else {
        return false;
    };
    let Some(whole) = &series.master else {
        return false;
    };
    let floating = sync_engine::model::ZoneName::utc();
    let id = recurrence_id_in(&whole.when, original, &floating);
    let given = Fields {
        when: inherited_when(whole, id),
        recurrence: None,
        ..whole.clone()
    };
    instance.etag.is_some()
        && instance.etag == master.etag
        && **fields == given
        && is_occurrence(whole, id, &floating)
}
