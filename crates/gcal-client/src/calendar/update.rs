//! Changing stored events: a PATCH of exactly what changed, conditional on the version known.

use sync_engine::model::{
    ComponentKey, Field, FieldSet, Fields, Google, OverrideValue, RecurrenceId, ResourceId, Series,
};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::ports::{Change, ComponentChange, Resource, Target, Update, Written};
use sync_engine::recurrence::ids::inherited_when;

use super::GoogleCalendar;
use crate::error::Error;
use crate::event::body::{self, Body};
use crate::event::ids::original_from_id;
use crate::event::note::Note;
use crate::refusal::{Reaction, Reason};
use crate::requests::Patch;

/// What a PATCH wants to be true afterwards: tells our own write from a stranger's when the first
/// answer to it was lost.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// These fields with these values.
    Fields(Box<Fields>, FieldSet),
    /// The occurrence is called off.
    Cancelled,
    /// Something that is not compared.
    Other,
}

/// What became of a PATCH.
pub(super) enum Patched {
    /// It is settled.
    Settled(Written<Google>),
    /// There is nothing at this id.
    Missing,
}

impl GoogleCalendar {
    pub(super) async fn changed(&self, update: &Update<Google>) -> Result<Written<Google>, Error> {
        let change = match update.changes.as_slice() {
            [] => None,
            [change] => Some(change),
            _ => {
                return Err(cannot(
                    "Google takes one change of one event or occurrence at a time.",
                ));
            }
        };
        match (&update.target, change) {
            (Target::Stored(resource), None) => {
                self.patch_stored(resource, Body::new(), Wanted::Other, update)
                    .await
            }
            (Target::Stored(resource), Some(change)) => match change.key {
                ComponentKey::Master => self.master_changed(resource, change, update).await,
                ComponentKey::Override(id) if is_exception(resource) => {
                    let (body, wanted) = self.exception(id, &change.change, update)?;
                    self.patch_stored(resource, body, wanted, update).await
                }
                ComponentKey::Override(id) => {
                    self.occurrence_changed(resource, id, &change.change, update)
                        .await
                }
            },
            (Target::Occurrence { series, id }, change) => {
                let all = Change::Set(FieldSet::new());
                let change = change.map_or(&all, |change| &change.change);
                self.occurrence_changed(series, *id, change, update).await
            }
        }
    }

    async fn master_changed(
        &self,
        resource: &Resource<Google>,
        change: &ComponentChange,
        update: &Update<Google>,
    ) -> Result<Written<Google>, Error> {
        let Change::Set(which) = &change.change else {
            return Err(cannot("Only fields of a whole event can be changed."));
        };
        let series = update.series.series();
        let fields = series
            .master
            .as_ref()
            .ok_or_else(|| cannot("The event to write has no master."))?;
        let note = Note::from_text(resource.note.as_deref());
        let body = body::changed(
            body::Change {
                fields,
                which,
                master: Some((series, note.as_ref())),
            },
            &self.setting().floating(),
        )?;
        let wanted = Wanted::Fields(Box::new(fields.clone()), which.clone());
        self.patch_stored(resource, body, wanted, update).await
    }

    /// The PATCH of an exception or occurrence.
    pub(super) fn exception(
        &self,
        id: RecurrenceId,
        change: &Change,
        update: &Update<Google>,
    ) -> Result<(Body, Wanted), Error> {
        let series = update.series.series();
        let all = || FieldSet::from(Field::ALL);
        let (fields, which) = match change {
            Change::Cancel => return Ok((body::call_off(), Wanted::Cancelled)),
            Change::Set(which) => (shown(series, id), which.clone()),
            Change::Add => (shown(series, id), all()),
            Change::Inherit => (inherited(series, id), all()),
        };
        let fields = fields.ok_or_else(|| cannot("The event to write has no such occurrence."))?;
        let body = body::changed(
            body::Change {
                fields: &fields,
                which: &which,
                master: None,
            },
            &self.setting().floating(),
        )?;
        Ok((body, Wanted::Fields(Box::new(fields), which)))
    }

    async fn patch_stored(
        &self,
        resource: &Resource<Google>,
        mut body: Body,
        wanted: Wanted,
        update: &Update<Google>,
    ) -> Result<Written<Google>, Error> {
        let id = resource.id.as_str();
        if let Some(tag) = &update.tag {
            body::put_tag(&mut body, tag);
        }
        if body.is_empty() {
            return self.nothing_to_write(id).await;
        }
        let etag = resource.etag.as_ref().map(|etag| etag.as_str().to_owned());
        match self.patch(id, etag, body, &wanted).await? {
            Patched::Settled(written) => Ok(written),
            Patched::Missing => Ok(Written::Stale {
                now: Box::new(self.look(id).await?),
            }),
        }
    }

    /// Sends a PATCH and judges what became of it.
    pub(super) async fn patch(
        &self,
        event: &str,
        etag: Option<String>,
        body: Body,
        wanted: &Wanted,
    ) -> Result<Patched, Error> {
        let request = Patch {
            calendar: self.id.clone(),
            event: event.to_owned(),
            etag,
            body,
        };
        let outcome = self.session().call_knowing(&request).await;
        let error = match outcome.result {
            Ok(answer) => return Ok(Patched::Settled(self.done(&answer, event))),
            Err(error) => error,
        };
        match error.reason().map(Reason::reaction) {
            Some(Reaction::Gone) => Ok(Patched::Missing),
            Some(Reaction::RefetchAndMerge) => {
                let now = self.look(event).await?;
                Ok(Patched::Settled(judge(now, wanted, outcome.sent_before)))
            }
            Some(Reaction::NotPermitted)
                if error.reason() == Some(Reason::Forbidden) && stands(&request.body) =>
            {
                self.not_restored(event, error).await
            }
            _ => Err(error),
        }
    }

    /// Google refused to let something stand. If that is an occurrence that is called off there,
    /// trying again is of no use.
    async fn not_restored(&self, event: &str, error: Error) -> Result<Patched, Error> {
        match self.look(event).await? {
            now @ Seen::Gone { .. } => Ok(Patched::Settled(Written::Stale { now: Box::new(now) })),
            Seen::Present(now) if is_called_off(&now) => Err(Error::NotRestorable {
                source: Box::new(error),
            }),
            _ => Err(error),
        }
    }

    /// Nothing of what changed has a place in Google's event.
    pub(super) async fn nothing_to_write(&self, id: &str) -> Result<Written<Google>, Error> {
        Ok(match self.look(id).await? {
            Seen::Present(now) => Written::Unproven {
                resource: ResourceId::new(id),
                now: Some(now),
            },
            now => Written::Stale { now: Box::new(now) },
        })
    }
}

/// Whether a PATCH wants an event to stand.
fn stands(body: &Body) -> bool {
    body.get("status")
        .is_some_and(|status| status != "cancelled")
}

fn is_called_off(now: &Observation<Google>) -> bool {
    matches!(
        now.content,
        Content::Exception {
            value: OverrideValue::Cancelled,
            ..
        }
    )
}

/// A version that is not the one expected. If an answer of ours was lost before and what stands
/// there is what we wanted, it is most likely our own write.
fn judge(now: Seen<Google>, wanted: &Wanted, sent_before: bool) -> Written<Google> {
    match now {
        Seen::Present(now) if sent_before && is_as_wanted(&now, wanted) => Written::Unproven {
            resource: now.resource.clone(),
            now: Some(now),
        },
        now => Written::Stale { now: Box::new(now) },
    }
}

fn is_as_wanted(now: &Observation<Google>, wanted: &Wanted) -> bool {
    let shown = match &now.content {
        Content::Series(series) => series.master.as_ref(),
        Content::Exception { value, .. } => match value {
            OverrideValue::Cancelled => return matches!(wanted, Wanted::Cancelled),
            OverrideValue::Fields(fields) => Some(fields.as_ref()),
        },
    };
    let (Wanted::Fields(fields, which), Some(shown)) = (wanted, shown) else {
        return false;
    };
    which.iter().all(|field| match field {
        Field::Title => shown.title == fields.title,
        Field::Description => shown.description == fields.description,
        Field::Location => shown.location == fields.location,
        Field::When => shown.when == fields.when,
        Field::Status => shown.status == fields.status,
        Field::Transparency => shown.transparency == fields.transparency,
        Field::Visibility => shown.sensitivity == fields.sensitivity,
    })
}

/// What stands at an occurrence: its own fields, or those it has from the master.
fn shown(series: &Series, id: RecurrenceId) -> Option<Fields> {
    match series.overrides.get(&id) {
        Some(OverrideValue::Fields(fields)) => Some(fields.as_ref().clone()),
        Some(OverrideValue::Cancelled) | None => inherited(series, id),
    }
}

/// What an occurrence has from the master.
fn inherited(series: &Series, id: RecurrenceId) -> Option<Fields> {
    let master = series.master.as_ref()?;
    Some(Fields {
        when: inherited_when(master, id),
        recurrence: None,
        ..master.clone()
    })
}

/// Whether a stored resource is an exception, and no master or single event.
pub(super) fn is_exception(resource: &Resource<Google>) -> bool {
    match Note::from_text(resource.note.as_deref()) {
        Some(Note::Exception { .. }) => true,
        Some(Note::Series { .. }) => false,
        None => original_from_id(resource.id.as_str()).is_some(),
    }
}

pub(super) fn cannot(detail: &str) -> Error {
    Error::CannotHold {
        detail: detail.to_owned(),
    }
}
