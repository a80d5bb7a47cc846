//! From a path to the resource it names, and back to the hrefs the server lists.

use super::href;
use super::state::State;

/// What a path can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/`, when a context path is set.
    HostRoot,
    /// `/dav/`
    Root,
    /// `/dav/principals/`
    Principals,
    /// `/dav/principals/USER/`
    Principal(String),
    /// `/dav/calendars/`
    Homes,
    /// `/dav/calendars/USER/`
    Home(String),
    /// `/dav/calendars/USER/SLUG/`
    Calendar(String, String),
    /// `/dav/calendars/USER/SLUG/NAME`
    Object(String, String, String),
    /// Something in a home that is no calendar of ours: inbox, outbox, address book, stray file.
    Extra(String, Extra),
}

/// What else a home may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    Inbox,
    Outbox,
    AddressBook,
    StrayFile,
}

impl Extra {
    pub(super) const ALL: [Self; 4] = [
        Self::Inbox,
        Self::Outbox,
        Self::AddressBook,
        Self::StrayFile,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inbox => ".in",
            Self::Outbox => ".out",
            Self::AddressBook => "contacts",
            Self::StrayFile => "personal.xml",
        }
    }
}

impl Resource {
    /// The user it belongs to.
    pub(super) fn owner(&self) -> Option<&str> {
        match self {
            Self::HostRoot | Self::Root | Self::Principals | Self::Homes => None,
            Self::Principal(user)
            | Self::Home(user)
            | Self::Calendar(user, _)
            | Self::Object(user, _, _)
            | Self::Extra(user, _) => Some(user),
        }
    }
}

impl State {
    /// What a request path or an href names; `None` for what can name nothing here. The resource
    /// need not exist.
    pub(super) fn resolve(&self, path: &str) -> Option<Resource> {
        let (segments, slash) = href::split(href::path_of(path))?;
        let mut rest: &[String] = &segments;
        if !self.context.is_empty() {
            match rest.split_first() {
                None => return Some(Resource::HostRoot),
                Some((first, tail)) if *first == self.context => rest = tail,
                Some(_) => return None,
            }
        }
        Some(match rest {
            [] => Resource::Root,
            [kind] if kind == "principals" => Resource::Principals,
            [kind, user] if kind == "principals" => Resource::Principal(user.clone()),
            [kind] if kind == "calendars" => Resource::Homes,
            [kind, user] if kind == "calendars" => Resource::Home(user.clone()),
            [kind, user, slug] if kind == "calendars" => {
                let extra = Extra::ALL.into_iter().find(|e| e.name() == slug);
                match extra {
                    Some(extra) if !self.calendars.contains_key(&(user.clone(), slug.clone())) => {
                        Resource::Extra(user.clone(), extra)
                    }
                    _ => Resource::Calendar(user.clone(), slug.clone()),
                }
            }
            [kind, user, slug, name] if kind == "calendars" && !slash => {
                Resource::Object(user.clone(), slug.clone(), name.clone())
            }
            _ => return None,
        })
    }

    /// The href of a resource, in the spelling that the quirks ask for.
    pub(super) fn href(&self, resource: &Resource) -> String {
        let mut segments: Vec<&str> = Vec::new();
        if !self.context.is_empty() && *resource != Resource::HostRoot {
            segments.push(&self.context);
        }
        let mut slash = true;
        match resource {
            Resource::HostRoot | Resource::Root => {}
            Resource::Principals => segments.push("principals"),
            Resource::Principal(user) => segments.extend(["principals", user]),
            Resource::Homes => segments.push("calendars"),
            Resource::Home(user) => segments.extend(["calendars", user]),
            Resource::Calendar(user, slug) => segments.extend(["calendars", user, slug]),
            Resource::Object(user, slug, name) => {
                segments.extend(["calendars", user, slug, name]);
                slash = false;
            }
            Resource::Extra(user, extra) => {
                segments.extend(["calendars", user, extra.name()]);
                slash = *extra != Extra::StrayFile;
            }
        }
        let mut out = String::new();
        if self.quirks.absolute_hrefs {
            out.push_str(&self.origin);
        }
        out.push('/');
        for (at, segment) in segments.iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            out.push_str(&href::encode(segment, self.quirks.href_escape));
        }
        if slash && !segments.is_empty() {
            out.push('/');
        }
        out
    }

    /// The absolute URL of a resource, whatever the quirks.
    pub(super) fn url(&self, resource: &Resource) -> String {
        let href = self.href(resource);
        if href.starts_with("http") {
            href
        } else {
            format!("{}{href}", self.origin)
        }
    }
}
