//! Making events: insert under the id we chose; after a lost answer look before doing anything;
//! bring a deleted predecessor back to life where a plan says so.

use std::time::Duration;

use serde_json::Value;
use sync_engine::model::{Fields, Google, OverrideValue, ResourceId};
use sync_engine::observation::Seen;
use sync_engine::ports::{Create, Written};

use super::GoogleCalendar;
use crate::error::Error;
use crate::event::body::{self, Body};
use crate::event::lines::CannotHold;
use crate::refusal::{Reaction, Reason};
use crate::requests::wire::Event;
use crate::requests::{Insert, Patch, Update};

/// How often an insert whose answer was lost and that left no trace is sent again.
const INSERTS: u32 = 3;
/// How often an id that is taken is looked for before it counts as used up.
const LOOKS: u32 = 4;

impl From<CannotHold> for Error {
    fn from(CannotHold(detail): CannotHold) -> Self {
        Self::CannotHold { detail }
    }
}

impl GoogleCalendar {
    pub(super) async fn made(&self, create: &Create) -> Result<Written<Google>, Error> {
        let id = create.tag.google_id();
        let series = create.series.series();
        let fields = alone(create).ok_or_else(|| Error::CannotHold {
            detail: "There is nothing to write of this event.".to_owned(),
        })?;
        let floating = self.setting().floating();
        let body = body::whole(
            fields,
            series,
            &create.tag,
            create.default_reminders,
            &floating,
        )?;
        // An id that is free is the rule: asking first would double the requests of a first sync.
        match self.inserted(&id, body.clone()).await? {
            Written::Taken {
                now,
                used_up: false,
            } if create.revive && matches!(*now, Seen::Gone { .. }) => {
                self.revived(&id, body).await
            }
            written => Ok(written),
        }
    }

    async fn inserted(
        &self,
        id: &ResourceId<Google>,
        mut body: Body,
    ) -> Result<Written<Google>, Error> {
        body.insert("id".to_owned(), id.as_str().into());
        let request = Insert {
            calendar: self.id.clone(),
            body,
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.session().call(&request).await {
                Ok(event) => return Ok(self.done(&event, id.as_str())),
                Err(error) => error,
            };
            let taken = error.reason().map(Reason::reaction) == Some(Reaction::TakenId);
            if taken {
                return self.taken(id).await;
            }
            if !error.outcome_is_unknown() {
                return Err(error);
            }
            self.pause(attempt).await;
            if let Some(event) = self.event(id.as_str()).await? {
                return Ok(self.taken_by(id, &event));
            }
            if attempt >= INSERTS {
                return Err(error);
            }
        }
    }

    /// The id is taken. What took it may not be visible yet; what never becomes visible can be
    /// neither linked nor revived.
    async fn taken(&self, id: &ResourceId<Google>) -> Result<Written<Google>, Error> {
        for attempt in 1..=LOOKS {
            if let Some(event) = self.event(id.as_str()).await? {
                return Ok(self.taken_by(id, &event));
            }
            self.pause(attempt).await;
        }
        Ok(gone(id, true))
    }

    fn taken_by(&self, id: &ResourceId<Google>, event: &Event) -> Written<Google> {
        match crate::event::read(event, &self.setting()) {
            Some(now @ (Seen::Present(_) | Seen::Unreadable { .. } | Seen::Foreign { .. })) => {
                Written::Taken {
                    now: Box::new(now),
                    used_up: false,
                }
            }
            Some(Seen::Gone { .. }) | None => gone(id, false),
        }
    }

    /// Makes a deleted event live again, as a whole and only while it is deleted.
    ///
    /// Never a series: whatever occurrences of it were changed or called off in its former life
    /// may come back with it, or stay called off, and no listing says so.
    async fn revived(&self, id: &ResourceId<Google>, body: Body) -> Result<Written<Google>, Error> {
        for _ in 0..2 {
            let Some(tombstone) = self.event(id.as_str()).await? else {
                return self.inserted(id, body).await;
            };
            if !tombstone.is_cancelled() {
                return Ok(self.taken_by(id, &tombstone));
            }
            if body.contains_key("recurrence") || tombstone.recurrence.is_some() {
                return Ok(gone(id, true));
            }
            let error = match self.put(id, &tombstone, &body).await {
                Ok(event) => return Ok(self.done(&event, id.as_str())),
                Err(error) => error,
            };
            match error.reason().map(Reason::reaction) {
                Some(Reaction::NotPermitted | Reaction::Gone | Reaction::TakenId) => {
                    return Ok(gone(id, true));
                }
                // Something happened to it meanwhile, perhaps our own write: look again.
                Some(Reaction::RefetchAndMerge) => {}
                _ => return Err(error),
            }
        }
        Ok(gone(id, true))
    }

    async fn put(
        &self,
        id: &ResourceId<Google>,
        tombstone: &Event,
        body: &Body,
    ) -> Result<Event, Error> {
        let mut body = body.clone();
        if let Some(sequence) = tombstone.sequence {
            body.insert("sequence".to_owned(), sequence.into());
        }
        let request = Update {
            calendar: self.id.clone(),
            event: id.as_str().to_owned(),
            etag: tombstone.etag.clone(),
            body,
        };
        match self.session().call(&request).await {
            // A bare tombstone does not tell its sequence; a PATCH needs none.
            Err(error) if error.reason() == Some(Reason::SequenceTooLow) => {
                let patch = Patch {
                    calendar: request.calendar,
                    event: request.event,
                    etag: request.etag,
                    body: over_whatever_was(request.body),
                };
                self.session().call(&patch).await
            }
            answer => answer,
        }
    }

    async fn pause(&self, attempt: u32) {
        let time = &self.session().time.0;
        let seconds = Duration::from_secs(1 << attempt.saturating_sub(1).min(3));
        time.sleep(seconds).await;
    }
}

/// The body of a PATCH that leaves nothing of the times and the rule that were there: of a bare
/// tombstone it is not known whether they were days or instants.
fn over_whatever_was(mut body: Body) -> Body {
    for edge in ["start", "end"] {
        if let Some(Value::Object(time)) = body.get_mut(edge) {
            for name in ["date", "dateTime", "timeZone"] {
                time.entry(name).or_insert(Value::Null);
            }
        }
    }
    body.entry("recurrence").or_insert(Value::Null);
    body
}

/// What is written: the master, or the override that stands alone.
fn alone(create: &Create) -> Option<&Fields> {
    let series = create.series.series();
    series.master.as_ref().or_else(|| {
        let values = match create.tag.recurrence_id {
            Some(id) => series.overrides.get(&id),
            None => series.overrides.values().next(),
        };
        match values? {
            OverrideValue::Fields(fields) => Some(fields.as_ref()),
            OverrideValue::Cancelled => None,
        }
    })
}

fn gone(id: &ResourceId<Google>, used_up: bool) -> Written<Google> {
    Written::Taken {
        now: Box::new(Seen::Gone {
            resource: id.clone(),
        }),
        used_up,
    }
}
