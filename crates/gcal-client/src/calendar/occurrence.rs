//! Changing an occurrence that has no event of its own: the first write to its id makes one.

use sync_engine::model::{ComponentKey, Etag, Google, RecurrenceId, ResourceId, When, ZoneName};
use sync_engine::observation::Seen;
use sync_engine::ports::{Change, ComponentChange, Resource, Target, Update, Written};
use sync_engine::recurrence::OriginalStart;
use sync_engine::recurrence::ids::original_start;

use super::GoogleCalendar;
use super::update::{Patched, Wanted, cannot, is_exception};
use crate::error::Error;
use crate::event::body::{self, Body};
use crate::event::ids::instance_id;
use crate::event::note::Note;
use crate::event::times::rfc3339;
use crate::requests::Instances;
use crate::requests::wire::Event;

impl GoogleCalendar {
    /// What an update writes to, as far as that is known without asking.
    pub(super) fn updated_resource(&self, update: &Update<Google>) -> ResourceId<Google> {
        let (series, id) = match &update.target {
            Target::Occurrence { series, id } => (series, *id),
            Target::Stored(resource) => match update.changes.first().map(|change| change.key) {
                Some(ComponentKey::Override(id)) if !is_exception(resource) => (resource, id),
                _ => return resource.id.clone(),
            },
        };
        let floating = self.setting().floating();
        let note = Note::from_text(series.note.as_deref());
        let inherits = matches!(
            update.changes.as_slice(),
            [ComponentChange {
                change: Change::Inherit,
                ..
            }]
        );
        let excluded = || {
            note.as_ref()
                .and_then(|note| body::readmit(note, id, &floating))
                .is_some()
        };
        match master_when(note.as_ref(), update) {
            Some(master) if !(inherits && excluded()) => {
                ResourceId::new(instance_id(series.id.as_str(), &master, id, &floating))
            }
            _ => series.id.clone(),
        }
    }

    pub(super) async fn occurrence_changed(
        &self,
        series: &Resource<Google>,
        id: RecurrenceId,
        change: &Change,
        update: &Update<Google>,
    ) -> Result<Written<Google>, Error> {
        let floating = self.setting().floating();
        let note = Note::from_text(series.note.as_deref());
        let master = master_when(note.as_ref(), update)
            .ok_or_else(|| cannot("The event to write has no master."))?;
        let mut etag = series.etag.as_ref().map(|etag| etag.as_str().to_owned());

        // An EXDATE in the master has it out: there is no instance to write to.
        if let Some(readmission) = note
            .as_ref()
            .and_then(|note| body::readmit(note, id, &floating))
        {
            if matches!(change, Change::Cancel) {
                return self.nothing_to_write(series.id.as_str()).await;
            }
            let readmitted = self
                .patch(series.id.as_str(), etag, readmission, &Wanted::Other)
                .await?;
            match readmitted {
                Patched::Settled(Written::Done(now)) if !matches!(change, Change::Inherit) => {
                    etag = now.etag.as_ref().map(|etag| etag.as_str().to_owned());
                }
                Patched::Settled(written) => return Ok(written),
                Patched::Missing => return self.stale(series.id.as_str()).await,
            }
        }

        let (mut body, wanted) = self.exception(id, change, update)?;
        if let Some(tag) = &update.tag {
            body::put_tag(&mut body, tag);
        }
        if body.is_empty() {
            return self.nothing_to_write(series.id.as_str()).await;
        }
        let guess = instance_id(series.id.as_str(), &master, id, &floating);
        let first = self
            .patch(&guess, etag.clone(), body.clone(), &wanted)
            .await?;
        match first {
            Patched::Settled(Written::Stale { now }) => {
                self.after_stale(series, &now, body, &wanted).await
            }
            Patched::Settled(written) => Ok(written),
            Patched::Missing => {
                let original = original_text(&master, id, &floating);
                self.found_otherwise(series, original, body, &wanted).await
            }
        }
    }

    /// A virtual instance has its master's version, which may have moved for nothing that concerns
    /// it (another occurrence became an exception). Then the write is sent once more.
    async fn after_stale(
        &self,
        series: &Resource<Google>,
        now: &Seen<Google>,
        body: Body,
        wanted: &Wanted,
    ) -> Result<Written<Google>, Error> {
        let instance = self.event(now.resource().as_str()).await?;
        let master = self.look(series.id.as_str()).await?;
        let unchanged = match (instance, master) {
            (Some(instance), Seen::Present(master)) => {
                let version = master.etag.as_ref().map(Etag::as_str);
                let is_virtual = instance.etag.is_some() && instance.etag.as_deref() == version;
                (is_virtual && master.note == series.note && series.note.is_some())
                    .then_some(instance)
            }
            _ => None,
        };
        let stale = || Written::Stale {
            now: Box::new(now.clone()),
        };
        let Some(Event {
            id: Some(id), etag, ..
        }) = unchanged
        else {
            return Ok(stale());
        };
        Ok(match self.patch(&id, etag, body, wanted).await? {
            Patched::Settled(written) => written,
            Patched::Missing => stale(),
        })
    }

    /// The computed id was not it: Google's time-zone database may be another release.
    async fn found_otherwise(
        &self,
        series: &Resource<Google>,
        original: String,
        body: Body,
        wanted: &Wanted,
    ) -> Result<Written<Google>, Error> {
        let request = Instances {
            calendar: self.id.clone(),
            event: series.id.as_str().to_owned(),
            original_start: original,
        };
        let found = match self.session().call(&request).await {
            Ok(instances) => instances.into_iter().next(),
            Err(error) if error.reason().is_some() && !error.outcome_is_unknown() => None,
            Err(error) => return Err(error),
        };
        let Some(instance) = found else {
            let now = self.look(series.id.as_str()).await?;
            let unchanged = matches!(&now, Seen::Present(master)
                if series.note.is_some() && master.note == series.note);
            if unchanged {
                return Err(cannot("The series at Google has no such occurrence."));
            }
            return Ok(Written::Stale { now: Box::new(now) });
        };
        let Event { id, etag, .. } = &instance;
        let Some(id) = id.clone() else {
            return self.stale(series.id.as_str()).await;
        };
        if instance.is_cancelled() && matches!(wanted, Wanted::Cancelled) {
            return Ok(self.done(&instance, &id));
        }
        match self.patch(&id, etag.clone(), body, wanted).await? {
            Patched::Settled(written) => Ok(written),
            Patched::Missing => self.stale(series.id.as_str()).await,
        }
    }

    async fn stale(&self, id: &str) -> Result<Written<Google>, Error> {
        Ok(Written::Stale {
            now: Box::new(self.look(id).await?),
        })
    }
}

/// When the master takes place at Google, else as it shall: that gives the ids their zone.
fn master_when(note: Option<&Note>, update: &Update<Google>) -> Option<When> {
    match note {
        Some(Note::Series { when, .. }) => Some(when.clone()),
        _ => update
            .series
            .series()
            .master
            .as_ref()
            .map(|master| master.when.clone()),
    }
}

fn original_text(master: &When, id: RecurrenceId, floating: &ZoneName) -> String {
    match original_start(master, id, floating) {
        OriginalStart::Date(date) => date.to_string(),
        OriginalStart::At(at) => rfc3339(&at, floating),
    }
}
