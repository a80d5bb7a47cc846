//! Removing. The version is looked at first, always: some servers do not look at conditions.

use sync_engine::model::{Caldav, Etag};
use sync_engine::observation::Seen;
use sync_engine::ports::{Remove, Written};

use super::Calendar;
use super::observe::Note;
use super::read::Current;
use super::write::{TRIES, stale};
use crate::error::{Error, Trouble};
use crate::etag;
use crate::href::Href;
use crate::requests::{Condition, Delete, ReadEtag};

/// What a look before a removal showed.
enum Look {
    /// The expected version stands there, under this spelling of its name.
    Expected(Href),
    /// Something else came of it.
    Settled(Written<Caldav>),
}

impl Calendar {
    /// Removes what is there, if it is still the version expected.
    pub(super) async fn remove_object(
        &self,
        remove: &Remove<Caldav>,
    ) -> Result<Written<Caldav>, Error> {
        let expected = remove.resource.etag.as_ref();
        let silently = remove.attending || Note::read(remove.resource.note.as_deref()).attending;
        let mut attempt = 1;
        loop {
            let href = match self
                .look(&self.written_href(&remove.resource), expected)
                .await?
            {
                Look::Expected(href) => href,
                Look::Settled(written) => return Ok(written),
            };
            let request = Delete {
                condition: Condition::on(expected),
                silently,
            };
            let Err(trouble) = self.session.run(&href.url(&self.base), request).await else {
                return Ok(Written::Removed);
            };
            match trouble.status() {
                Some(404 | 410) => return Ok(Written::Removed),
                Some(409 | 412) => match self.look(&href, expected).await? {
                    Look::Settled(written) => return Ok(written),
                    Look::Expected(_) => return Err(trouble.on_event(&self.host())),
                },
                _ if trouble.may_have_arrived() && attempt < TRIES => {
                    self.session.after_stumbling(&trouble, attempt).await;
                    attempt += 1;
                }
                _ => return Err(trouble.on_event(&self.host())),
            }
        }
    }

    /// Compares the version that stands there with the one expected: by its ETag alone where that is
    /// enough, else by reading.
    async fn look(&self, href: &Href, expected: Option<&Etag<Caldav>>) -> Result<Look, Error> {
        if let Some(expected) = expected.filter(|expected| !etag::is_of_content(expected)) {
            match self.session.run(&href.url(&self.base), ReadEtag).await {
                Ok(reply) => {
                    let shown = reply.answer.as_deref().and_then(etag::from_text);
                    if shown.as_ref() == Some(expected) {
                        return Ok(Look::Expected(href.clone()));
                    }
                }
                // Whatever this means, asking for the resource itself will tell.
                Err(Trouble::Failure(failure)) => tracing::debug!(%failure, "no ETag to compare"),
                Err(Trouble::Error(error)) => return Err(error),
            }
        }
        Ok(match self.current(href).await? {
            Current::Missing => Look::Settled(Written::Removed),
            Current::Found(found) if found.is_version(expected) => Look::Expected(found.href),
            Current::Found(found) => Look::Settled(stale(self.observe_found(&found))),
            Current::Unreadable(reason) => Look::Settled(stale(Seen::Unreadable {
                resource: href.id(),
                etag: None,
                reason,
            })),
        })
    }
}
