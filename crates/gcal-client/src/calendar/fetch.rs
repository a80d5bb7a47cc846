//! Reading single events, each by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sync_engine::model::{Etag, Fields, Google, OverrideValue, ResourceId};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::recurrence::ids::{inherited_when, recurrence_id_in};

use super::{CONCURRENCY, GoogleCalendar};
use crate::error::Error;
use crate::refusal::Reason;
use crate::requests::Get;
use crate::requests::list::CalendarProbe;
use crate::requests::wire::Event;

/// Answers to questions for single events; `None` where nothing was found.
type Answers = BTreeMap<String, Option<Event>>;

impl GoogleCalendar {
    pub(super) async fn fetched(
        &self,
        resources: &[ResourceId<Google>],
    ) -> Result<Vec<Seen<Google>>, Error> {
        let ids: BTreeSet<String> = resources.iter().map(|id| id.as_str().to_owned()).collect();
        let answers = self.events(ids).await?;
        // Where access is lost, every event is "not found": that is no proof of anything.
        if answers.values().any(Option::is_none) {
            self.session()
                .call(&CalendarProbe {
                    calendar: self.id.clone(),
                })
                .await?;
        }
        let mut seen = self.judged(answers).await?;
        Ok(resources
            .iter()
            .filter_map(|id| seen.remove(id.as_str()))
            .collect())
    }

    /// What stands at this id now.
    pub(super) async fn look(&self, id: &str) -> Result<Seen<Google>, Error> {
        let answers = Answers::from([(id.to_owned(), self.event(id).await?)]);
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
                let event = self.event(&id).await?;
                Ok::<_, Error>((id, event))
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
            .flatten()
            .filter_map(|event| event.recurring_event_id.clone())
            .collect();
        let masters = self.events(series).await?;
        let setting = self.setting();
        Ok(answers
            .into_iter()
            .map(|(id, event)| {
                let resource = ResourceId::new(id.clone());
                let Some(event) = event else {
                    return (id, Seen::Gone { resource });
                };
                let series = event.recurring_event_id.as_ref();
                let master = series.and_then(|id| masters.get(id)?.as_ref());
                let orphaned = event.is_cancelled()
                    && series.is_some()
                    && master.is_none_or(Event::is_cancelled);
                let read = crate::event::read(&event, &setting);
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

/// Whether an instance is nothing but what its series gives: it has the series' version and values.
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
    instance.etag.is_some() && instance.etag == master.etag && **fields == given
}
