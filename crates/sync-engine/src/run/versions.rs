//! Versions that the writes of one group learn from each other's answers.

use std::collections::BTreeMap;

use crate::model::{Caldav, Etag, Google, ResourceId, Side};
use crate::observation::Observation;
use crate::plan::operation::{Operation, Write};
use crate::ports::side::{Resource, Target};
use crate::sided::Sided;

/// Versions that earlier steps of the group learned: later ones are conditional on them.
#[derive(Default)]
pub(super) struct Versions {
    caldav: BTreeMap<ResourceId<Caldav>, Resource<Caldav>>,
    google: BTreeMap<ResourceId<Google>, Resource<Google>>,
}

impl Versions {
    pub(super) fn caldav(&self, mut operation: Operation<Caldav>) -> Operation<Caldav> {
        renew(&mut operation, &self.caldav);
        operation
    }

    pub(super) fn google(&self, mut operation: Operation<Google>) -> Operation<Google> {
        renew(&mut operation, &self.google);
        operation
    }

    pub(super) fn learn<B: Sided>(&mut self, seen: &Observation<B>) {
        let resource = |id: &str| {
            (
                id.to_owned(),
                seen.etag.as_ref().map(|etag| etag.as_str().to_owned()),
                seen.note.clone(),
            )
        };
        let (id, etag, note) = resource(seen.resource.as_str());
        match B::SIDE {
            Side::Caldav => {
                let id = ResourceId::new(id);
                let etag = etag.map(Etag::new);
                self.caldav.insert(id.clone(), Resource { id, etag, note });
            }
            Side::Google => {
                let id = ResourceId::new(id);
                let etag = etag.map(Etag::new);
                self.google.insert(id.clone(), Resource { id, etag, note });
            }
        }
    }
}

fn renew<B: Sided>(operation: &mut Operation<B>, known: &BTreeMap<ResourceId<B>, Resource<B>>) {
    let resource = match &mut operation.write {
        Write::Update(update) => match &mut update.target {
            Target::Stored(resource) => resource,
            Target::Occurrence { series, .. } => series,
        },
        Write::Remove(remove) => &mut remove.resource,
        Write::Create(_) => return,
    };
    if let Some(newer) = known.get(&resource.id) {
        *resource = newer.clone();
    }
}
