//! One resource, asked for by itself: the only question whose 404 proves that nothing is there.

use sync_engine::model::{Caldav, Etag};
use sync_engine::observation::Seen;

use super::Calendar;
use super::observe::Told;
use crate::error::{Error, Trouble};
use crate::etag;
use crate::href::{self, Href};
use crate::requests::{Body, Get, Multiget, ReadEtag};

/// What was found where one resource should be.
#[derive(Debug)]
pub(super) enum Current {
    /// Nothing, under any spelling of its name.
    Missing,
    /// Something that cannot be read; the reason for people.
    Unreadable(String),
    /// The resource.
    Found(Found),
}

/// A resource as it stands.
#[derive(Debug)]
pub(super) struct Found {
    /// Under which spelling it answered.
    pub(super) href: Href,
    pub(super) bytes: Vec<u8>,
    /// Its version; made from the content where the server gives none.
    pub(super) etag: Etag<Caldav>,
    pub(super) modified: Option<String>,
}

impl Found {
    /// Whether this is the version that was expected; without an expectation any is.
    pub(super) fn is_version(&self, expected: Option<&Etag<Caldav>>) -> bool {
        match expected {
            None => true,
            Some(expected) if etag::is_of_content(expected) => {
                etag::of_content(&self.bytes) == *expected
            }
            Some(expected) => self.etag == *expected,
        }
    }
}

impl Calendar {
    /// Reads one resource.
    pub(super) async fn current(&self, href: &Href) -> Result<Current, Error> {
        for path in href.spellings() {
            let spelled = Href::of(&href.id(), Some(&path));
            let url = href::on(&self.base, &path);
            match self.session.run(&url, Get).await {
                Ok(reply) => return self.found(spelled, reply.answer).await.map(Current::Found),
                Err(Trouble::Failure(failure)) => match failure.status() {
                    Some(404 | 410) => {}
                    Some(status) => {
                        return Ok(Current::Unreadable(format!(
                            "The server lists it, but answers {status} when asked for it."
                        )));
                    }
                    None => return Ok(Current::Unreadable(failure.to_string())),
                },
                Err(Trouble::Error(Error::Unreachable {
                    source: source @ outbound::Error::TooLarge { .. },
                })) => {
                    let reason = source.to_string();
                    self.note_oversized(source)?;
                    return Ok(Current::Unreadable(reason));
                }
                Err(Trouble::Error(error)) => return Err(error),
            }
        }
        Ok(Current::Missing)
    }

    /// What one resource shows.
    pub(super) async fn single(&self, href: &Href) -> Result<Seen<Caldav>, Error> {
        Ok(match self.current(href).await? {
            Current::Missing => Seen::Gone {
                resource: href.id(),
            },
            Current::Unreadable(reason) => Seen::Unreadable {
                resource: href.id(),
                etag: None,
                reason,
            },
            Current::Found(found) => {
                let told = Told {
                    href: found.href,
                    etag: Some(found.etag),
                    modified: found.modified,
                    bytes: found.bytes,
                };
                let lost = told.lost();
                self.observe_all(vec![told]).await.pop().unwrap_or(lost)
            }
        })
    }

    /// What a resource that was read shows.
    pub(super) fn observe_found(&self, found: &Found) -> Seen<Caldav> {
        self.reader().observe(
            &found.href,
            Some(found.etag.clone()),
            found.modified.as_deref(),
            &found.bytes,
        )
    }

    /// Gives a body its version. An answer to GET without ETag is asked for again by multiget, which
    /// gives content and `getetag` at one moment; failing that, the content is the version.
    async fn found(&self, href: Href, body: Body) -> Result<Found, Error> {
        let mut found = Found {
            etag: etag::of_content(&body.bytes),
            href,
            bytes: body.bytes,
            modified: body.modified,
        };
        let own = body
            .etag
            .filter(|_| !self.session.profile().get_without_etag);
        if let Some(etag) = own {
            self.note_etag(&etag);
            found.etag = etag;
        } else if !self.session.profile().no_etags {
            self.session
                .learn(|profile| profile.get_without_etag = true);
            let request = Multiget {
                hrefs: vec![found.href.raw().to_owned()],
            };
            let answer = match self.session.run(&self.base, request).await {
                Ok(reply) => reply.answer.into_iter().next(),
                Err(Trouble::Failure(_)) => None,
                Err(Trouble::Error(error)) => return Err(error),
            };
            let props = answer.map(|entry| entry.props).unwrap_or_default();
            match (props.etag.as_deref().and_then(etag::from_text), props.data) {
                (Some(etag), Some(data)) => {
                    self.note_etag(&etag);
                    found.etag = etag;
                    found.bytes = data.into_bytes();
                }
                (None, Some(_)) => self.session.learn(|profile| profile.no_etags = true),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether a version that looks like another one is the expected one after all, because GET
    /// answers with another ETag than `getetag` says (a proxy's, or the server's habit). Then it is
    /// noted, and GET's ETags do not count any more.
    pub(super) async fn learns_of_another_etag(
        &self,
        found: &Found,
        expected: Option<&Etag<Caldav>>,
    ) -> Result<bool, Error> {
        let Some(expected) = expected.filter(|expected| !etag::is_of_content(expected)) else {
            return Ok(false);
        };
        if self.session.profile().get_without_etag {
            return Ok(false);
        }
        match self
            .session
            .run(&found.href.url(&self.base), ReadEtag)
            .await
        {
            Ok(reply) => {
                let shown = reply.answer.as_deref().and_then(etag::from_text);
                let another = shown.as_ref() == Some(expected);
                if another {
                    self.session
                        .learn(|profile| profile.get_without_etag = true);
                }
                Ok(another)
            }
            Err(Trouble::Failure(_)) => Ok(false),
            Err(Trouble::Error(error)) => Err(error),
        }
    }

    /// Notes what kind of ETags the server gives.
    pub(super) fn note_etag(&self, etag: &Etag<Caldav>) {
        if etag::is_weak(etag) {
            self.session.learn(|profile| profile.weak_etags = true);
        }
    }
}
