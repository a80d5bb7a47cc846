//! Creating and changing. Every write is conditional, read before (an edit needs the text anyway)
//! and read after: an ETag in a PUT's answer proves nothing about what was stored.

use ical_model::{Edit, NewObject, edit_object, new_object};
use sync_engine::model::{Caldav, ResourceId};
use sync_engine::observation::Seen;
use sync_engine::ports::{Create, Resource, Target, Update, Written};

use super::Calendar;
use super::observe::Note;
use super::read::{Current, Found};
use crate::error::{Error, Trouble};
use crate::etag;
use crate::href::Href;
use crate::requests::{Condition, Failure, Put, Stored};

/// How many times a write is begun: a second time only after a lost answer, and then only when a
/// read has shown that the first one did nothing.
pub(super) const TRIES: u32 = 2;

impl Calendar {
    /// Creates a copy under the name its tag gives.
    pub(super) async fn create_object(&self, create: &Create) -> Result<Written<Caldav>, Error> {
        let href = Href::of(&self.new_resource(create), None);
        let bytes = new_object(&NewObject {
            uid: &create.tag.caldav_uid(),
            series: create.series.series(),
            tag: Some(&create.tag),
            source_uid: create.source_uid.as_ref(),
            now: self.now,
        });
        let mut look_first = self.session.profile().ignores_if_none_match;
        let mut attempt = 1;
        loop {
            if look_first {
                let now = self.single(&href).await?;
                if !matches!(now, Seen::Gone { .. }) {
                    return Ok(taken(now));
                }
            }
            let trouble = match self.put(&href, bytes.clone(), Condition::Missing).await {
                Ok(stored) => {
                    if !stored.created {
                        // It says that something was there: the condition was not looked at.
                        self.session
                            .learn(|profile| profile.ignores_if_none_match = true);
                    }
                    return self.read_back(&href, &stored).await;
                }
                Err(trouble) => trouble,
            };
            if !trouble.may_have_arrived() || attempt >= TRIES {
                return self.not_created(&href, trouble).await;
            }
            self.session.after_stumbling(&trouble, attempt).await;
            look_first = true;
            attempt += 1;
        }
    }

    /// What a refused creation means.
    async fn not_created(&self, href: &Href, trouble: Trouble) -> Result<Written<Caldav>, Error> {
        let Trouble::Failure(Failure::Status {
            status,
            error,
            uid_taken,
        }) = &trouble
        else {
            return Err(trouble.on_event(&self.host()));
        };
        if !matches!(status, 400 | 403 | 409 | 412 | 500) {
            return Err(trouble.on_event(&self.host()));
        }
        let now = self.single(href).await?;
        if !matches!(now, Seen::Gone { .. }) {
            return Ok(taken(now));
        }
        if !uid_taken {
            return Err(trouble.on_event(&self.host()));
        }
        // The UID is somebody's else: our own copy under another name (moved by a person), or
        // something out of sight (a trash bin, another calendar of the account).
        for place in &error.hrefs {
            let Some(other) = Href::parse(&self.base, place) else {
                continue;
            };
            if other.canonical().starts_with(self.base.path())
                && let seen @ Seen::Present(_) = self.single(&other).await?
            {
                return Ok(taken(seen));
            }
        }
        Ok(Written::Taken {
            now: Box::new(now),
            used_up: true,
        })
    }

    /// Changes what is there, if it is still the version expected.
    pub(super) async fn update_object(
        &self,
        update: &Update<Caldav>,
    ) -> Result<Written<Caldav>, Error> {
        let resource = target(update);
        let href = self.written_href(resource);
        let mut attempt = 1;
        loop {
            let found = match self.current(&href).await? {
                Current::Found(found) if found.is_version(resource.etag.as_ref()) => found,
                Current::Found(found) => {
                    let expected = resource.etag.as_ref();
                    if self.learns_of_another_etag(&found, expected).await? {
                        continue;
                    }
                    return Ok(stale(self.observe_found(&found)));
                }
                Current::Missing => {
                    return Ok(stale(Seen::Gone {
                        resource: href.id(),
                    }));
                }
                Current::Unreadable(reason) => {
                    return Ok(stale(Seen::Unreadable {
                        resource: href.id(),
                        etag: None,
                        reason,
                    }));
                }
            };
            let edit = Edit {
                series: update.series.series(),
                changes: &update.changes,
                tag: update.tag.as_ref(),
                now: self.now,
            };
            let bytes = edit_object(&found.bytes, &edit, &self.reader().context())?;
            if bytes == found.bytes {
                // Nothing to write: it says so already.
                if let Seen::Present(observation) = self.observe_found(&found) {
                    return Ok(Written::Done(observation));
                }
            }
            let condition = Condition::on(Some(&found.etag));
            let trouble = match self.put(&found.href, bytes, condition).await {
                Ok(stored) => return self.read_back(&found.href, &stored).await,
                Err(trouble) => trouble,
            };
            if !trouble.may_have_arrived() || attempt >= TRIES {
                return self.not_updated(&found, trouble).await;
            }
            self.session.after_stumbling(&trouble, attempt).await;
            attempt += 1;
        }
    }

    /// What a refused change means: another version, if a read shows one; else this event is refused.
    async fn not_updated(
        &self,
        before: &Found,
        trouble: Trouble,
    ) -> Result<Written<Caldav>, Error> {
        if matches!(trouble.status(), Some(404 | 409 | 410 | 412)) {
            match self.current(&before.href).await? {
                Current::Found(found) if found.is_version(Some(&before.etag)) => {}
                Current::Found(found) => return Ok(stale(self.observe_found(&found))),
                Current::Missing => {
                    return Ok(stale(Seen::Gone {
                        resource: before.href.id(),
                    }));
                }
                Current::Unreadable(_) => {}
            }
        }
        Err(trouble.on_event(&self.host()))
    }

    async fn put(
        &self,
        href: &Href,
        bytes: Vec<u8>,
        condition: Condition,
    ) -> Result<Stored, Trouble> {
        let url = href.url(&self.base);
        let reply = self.session.run(&url, Put { bytes, condition }).await?;
        Ok(reply.answer)
    }

    /// Reads what a write made, and says whether it is proven to be that: only if the write's answer
    /// and the read show the same strong ETag.
    async fn read_back(&self, href: &Href, stored: &Stored) -> Result<Written<Caldav>, Error> {
        let resource = href.id();
        let now = match self.single(href).await {
            Ok(Seen::Present(observation)) => observation,
            // Written and not to be read: the server's fault, and no deletion.
            Ok(_) => {
                tracing::warn!(%resource, "what was just written cannot be read");
                return Ok(Written::Unproven {
                    resource,
                    now: None,
                });
            }
            Err(error) => {
                tracing::debug!(%resource, %error, "what was just written could not be read back");
                return Ok(Written::Unproven {
                    resource,
                    now: None,
                });
            }
        };
        let proven = stored
            .etag
            .as_ref()
            .is_some_and(|etag| etag::is_strong(etag) && now.etag.as_ref() == Some(etag));
        Ok(if proven {
            Written::Done(now)
        } else {
            Written::Unproven {
                resource,
                now: Some(now),
            }
        })
    }

    /// The name that a copy gets: from its tag alone, in letters that every server takes.
    pub(super) fn new_resource(&self, create: &Create) -> ResourceId<Caldav> {
        ResourceId::new(format!("{}{}", self.base.path(), create.tag.caldav_name()))
    }

    /// The href of a resource that is to be written.
    pub(super) fn written_href(&self, resource: &Resource<Caldav>) -> Href {
        let note = Note::read(resource.note.as_deref());
        self.href(&resource.id, note.href.as_deref())
    }
}

/// The resource that an update is for: here an occurrence is a part of its series' one.
pub(super) fn target(update: &Update<Caldav>) -> &Resource<Caldav> {
    match &update.target {
        Target::Stored(resource)
        | Target::Occurrence {
            series: resource, ..
        } => resource,
    }
}

pub(super) fn stale(now: Seen<Caldav>) -> Written<Caldav> {
    Written::Stale { now: Box::new(now) }
}

fn taken(now: Seen<Caldav>) -> Written<Caldav> {
    Written::Taken {
        now: Box::new(now),
        used_up: false,
    }
}
