//! The CalDAV server as the people on that side see it: directly, with clients that write only what
//! nobody else changed since they read it.

use std::any::Any;
use std::collections::BTreeMap;

use testkit::{Radicale, RawDav, Sabre, Xandikos};

use super::object::Object;

/// A server with an empty calendar `work` for the mapping, and one to try things out on.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) url: String,
    dav: RawDav,
    path: String,
    scratch: String,
    /// Where an event was last found.
    hrefs: BTreeMap<String, String>,
    _server: Box<dyn Any + Send>,
}

/// An object as a client holds it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    href: String,
    etag: String,
    pub(super) object: Object,
}

impl Place {
    pub(super) async fn radicale() -> Self {
        let server = Radicale::start();
        let paths = ["work", "scratch"].map(|slug| server.calendar_path("alice", slug));
        let (url, dav) = (server.url(), server.dav("alice"));
        Self::at("Radicale", url, dav, paths, Box::new(server)).await
    }

    pub(super) async fn xandikos() -> Self {
        let server = Xandikos::start();
        let paths = ["work", "scratch"].map(|slug| server.calendar_path("alice", slug));
        let (url, dav) = (server.url(), server.dav("alice"));
        Self::at("Xandikos", url, dav, paths, Box::new(server)).await
    }

    /// Where it is installed.
    pub(super) async fn sabre() -> Option<Self> {
        let server = Sabre::if_installed()?;
        let paths = ["work", "scratch"].map(|slug| server.calendar_path("alice", slug));
        let (url, dav) = (server.url(), server.dav("alice"));
        Some(Self::at("sabre/dav", url, dav, paths, Box::new(server)).await)
    }

    async fn at(
        name: &'static str,
        url: String,
        dav: RawDav,
        [path, scratch]: [String; 2],
        server: Box<dyn Any + Send>,
    ) -> Self {
        dav.mkcalendar(&path, "Work").await;
        dav.mkcalendar(&scratch, "Scratch").await;
        Self {
            name,
            url,
            dav,
            path,
            scratch,
            hrefs: BTreeMap::new(),
            _server: server,
        }
    }

    /// The object whose title begins with this name.
    pub(super) async fn find(&mut self, event: &str) -> Option<Held> {
        if let Some(href) = self.hrefs.get(event).cloned() {
            if let Some(held) = self.get(&href).await {
                return Some(held);
            }
            self.hrefs.remove(event);
        }
        let known: Vec<String> = self.hrefs.values().cloned().collect();
        for href in self.list().await {
            if known.contains(&href) {
                continue;
            }
            let Some(held) = self.get(&href).await else {
                continue;
            };
            if let Some(found) = titled(&held.object) {
                self.hrefs.insert(found.clone(), href);
                if found == event {
                    return Some(held);
                }
            }
        }
        None
    }

    /// Stores a new object under a client's name of its own.
    pub(super) async fn create(&self, event: &str, object: &Object) {
        let href = format!("{}{event}.ics", self.path);
        let headers = [("content-type", "text/calendar; charset=utf-8")];
        for _ in 0..100 {
            let text = object.text();
            let answer = self.dav.request("PUT", &href, &headers, &text).await;
            // Xandikos is locked (423) while anybody else writes.
            if answer.status != 423 {
                assert_eq!(answer.status, 201, "{}", answer.body);
                return;
            }
        }
        panic!("{href} is locked for ever");
    }

    /// Stores a changed object unless somebody else changed it, or is just writing (423): whether it
    /// was stored.
    pub(super) async fn save(&self, held: &Held) -> bool {
        let headers = [
            ("content-type", "text/calendar; charset=utf-8"),
            ("if-match", held.etag.as_str()),
        ];
        let text = held.object.text();
        let answer = self.dav.request("PUT", &held.href, &headers, &text).await;
        match answer.status {
            201 | 204 => true,
            404 | 412 | 423 => false,
            500 => self
                .get(&held.href)
                .await
                .is_some_and(|now| now.object.text() == text),
            other => panic!("{}: {other} {}\n{text}", held.href, answer.body),
        }
    }

    /// Deletes an object unless somebody changed it: whether it is gone.
    pub(super) async fn discard(&self, held: &Held) -> bool {
        let headers = [("if-match", held.etag.as_str())];
        let answer = self.dav.request("DELETE", &held.href, &headers, "").await;
        match answer.status {
            200 | 204 => true,
            404 | 412 | 423 => false,
            // Xandikos stumbles when two delete at once; what counts is what is there.
            500 => self.get(&held.href).await.is_none(),
            other => panic!("{}: {other} {}", held.href, answer.body),
        }
    }

    /// The text as this server gives it back, which may order and fold lines its own way.
    pub(super) async fn as_kept(&self, object: &Object) -> Object {
        let href = format!("{}trial.ics", self.scratch);
        self.dav.put(&href, &object.text()).await;
        let kept = self.dav.get(&href).await.unwrap();
        self.dav.delete(&href).await;
        Object::parse(&kept.body)
    }

    /// Every object of the calendar.
    pub(super) async fn all(&self) -> Vec<String> {
        self.dav.objects(&self.path).await
    }

    async fn list(&self) -> Vec<String> {
        let listed = self.dav.list(&self.path).await.into_iter();
        listed
            .map(|member| match member.href.split_once("://") {
                Some((_, rest)) => rest[rest.find('/').unwrap()..].to_owned(),
                None => member.href,
            })
            .collect()
    }

    async fn get(&self, href: &str) -> Option<Held> {
        let answer = self.dav.get(href).await?;
        Some(Held {
            href: href.to_owned(),
            etag: answer.headers.get("etag")?.to_str().unwrap().to_owned(),
            object: Object::parse(&answer.body),
        })
    }
}

/// The name that an object's title begins with.
pub(super) fn titled(object: &Object) -> Option<String> {
    let title = object.value(&object.master()?, "SUMMARY")?;
    Some(title.split(' ').next()?.to_owned())
}
