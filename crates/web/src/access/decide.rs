//! The decision about one request: a function of the rules, the request and what its key and cookie
//! turned out to be.

use actix_web::http::Method;
use app::access::{Grant, Session};
use app::records::KeyScope;
use url::Url;

use super::cidr::Cidr;
use super::local;
use super::place::{Area, Need};
use super::visit::Visit;

/// What holds for this installation, and whether a proxy was seen.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// `LOCAL_ACCESS` is on.
    pub(crate) local_access: bool,
    /// `BASE_URL`'s host is loopback.
    pub(crate) base_is_loopback: bool,
    /// `BASE_URL`'s host as browsers write it, IPv6 in brackets, without a port.
    pub(crate) host: String,
    /// `BASE_URL`'s origin.
    pub(crate) origin: String,
    /// `ALLOWED_HOSTS`: further names we are called by.
    pub(crate) more_hosts: Vec<String>,
    /// The port we listen on.
    pub(crate) port: u16,
    /// `TRUSTED_PROXIES`.
    pub(crate) proxies: Vec<Cidr>,
    /// `FORWARD_AUTH_HEADER`, in lower case.
    pub(crate) forward_auth: Option<String>,
    /// A forwarding header came from loopback since the start: a proxy stands before us.
    pub(crate) proxy_seen: bool,
}

impl Rules {
    /// Whether any request at all may do without a key.
    pub(crate) fn local_in_force(&self) -> bool {
        self.local_access && self.base_is_loopback && self.proxies.is_empty() && !self.proxy_seen
    }
}

/// What the key of an `Authorization` header turned out to be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Key {
    /// There is none.
    #[default]
    Absent,
    /// It is none of ours.
    Foreign,
    /// It lets do this.
    Ours(Grant),
}

/// What the request's key and cookie turned out to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// Its key.
    pub(crate) key: Key,
    /// The session of its cookie.
    pub(crate) session: Option<Session>,
}

/// As whom a request comes in.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// With a key.
    Key(Grant),
    /// In a session.
    Session(Session),
    /// As whom a trusted proxy has signed in.
    Forwarded,
    /// From this computer.
    Local,
    /// As anybody, where that is enough.
    Anybody,
}

impl Access {
    /// Whether it may do what takes a key of this scope.
    pub(crate) fn may(&self, scope: KeyScope) -> bool {
        match self {
            Self::Key(grant) => grant.scope >= scope,
            Self::Session(session) => session.grant.scope >= scope,
            Self::Forwarded | Self::Local => true,
            Self::Anybody => false,
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// It comes in.
    Enter(Access),
    /// 421: it means another host.
    WrongHost,
    /// 401: it has no key and no session.
    SignIn,
    /// 401: its key is none of ours.
    BadKey,
    /// 403: another site made it.
    CrossSite,
    /// 403: its key is not good for that.
    Beyond,
}

/// Decides.
pub(crate) fn decide(rules: &Rules, visit: &Visit, credentials: Credentials) -> Decision {
    if visit.area == Area::Probe {
        return Decision::Enter(Access::Anybody);
    }
    if !host_is_ours(rules, visit) {
        return Decision::WrongHost;
    }
    match credentials.key {
        Key::Ours(grant) if visit.need.met_by(grant.scope) => {
            return Decision::Enter(Access::Key(grant));
        }
        Key::Ours(_) => return Decision::Beyond,
        // A wrong key is wrong even where none is needed: better to hear of it at once.
        Key::Foreign => return Decision::BadKey,
        Key::Absent => {}
    }
    let elsewhere = !visit.is_safe() && made_elsewhere(rules, visit);
    if let Some(session) = credentials.session {
        return if elsewhere {
            Decision::CrossSite
        } else if visit.need.met_by(session.grant.scope) {
            Decision::Enter(Access::Session(session))
        } else {
            Decision::Beyond
        };
    }
    // What follows is good for everything but what always needs the key.
    if visit.need != Need::Key {
        if is_signed_in_by_proxy(rules, visit) {
            // The browser sends along what signed it in, as it does with a session's cookie.
            return if elsewhere {
                Decision::CrossSite
            } else {
                Decision::Enter(Access::Forwarded)
            };
        }
        if local::is_local(rules, visit) {
            return Decision::Enter(Access::Local);
        }
    }
    match visit.area {
        Area::Open if !visit.is_safe() && names_another_site(rules, visit) => Decision::CrossSite,
        Area::Open | Area::Callback => Decision::Enter(Access::Anybody),
        _ => Decision::SignIn,
    }
}

fn is_signed_in_by_proxy(rules: &Rules, visit: &Visit) -> bool {
    let header = rules.forward_auth.as_deref();
    header.is_some_and(|header| visit.signed_in_by_proxy(header, &rules.proxies).is_some())
}

/// The host is `BASE_URL`'s, loopback or one that was named. The port is not looked at: a name that leads here by a trick
/// is a foreign name.
fn host_is_ours(rules: &Rules, visit: &Visit) -> bool {
    let Some(given) = visit.host(&rules.proxies) else {
        return false;
    };
    let Some(name) = host_name(given) else {
        return false;
    };
    name == rules.host
        || matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || rules.more_hosts.contains(&name)
}

/// The name in a `Host` header, without its port; `None` for what is none.
fn host_name(given: &str) -> Option<String> {
    // A URL parser, so that what follows the name cannot confuse anybody.
    let url = Url::parse(&format!("http://{given}/")).ok()?;
    if !url.username().is_empty() || url.password().is_some() || url.path() != "/" {
        return None;
    }
    url.host_str().map(ToOwned::to_owned)
}

/// Whether nothing proves that our own page made the request. Browsers say so by `Sec-Fetch-Site`,
/// older ones by `Origin`; a form may prove it by its token instead (`input`).
fn made_elsewhere(rules: &Rules, visit: &Visit) -> bool {
    if visit.has("sec-fetch-site") || visit.has("origin") {
        return names_another_site(rules, visit);
    }
    visit.area != Area::Page || visit.method != Method::POST
}

/// Whether the request says that another site made it.
fn names_another_site(rules: &Rules, visit: &Visit) -> bool {
    if visit.has("sec-fetch-site") {
        return !matches!(visit.header("sec-fetch-site"), Some("same-origin" | "none"));
    }
    if !visit.has("origin") {
        return false;
    }
    let (Some(origin), Some(host)) = (visit.header("origin"), visit.host(&rules.proxies)) else {
        return true;
    };
    // Where people come by https, a page that came in clear under the same name is not ours: anybody
    // on the way may have written it.
    let is_base = host_name(host).is_some_and(|name| name == rules.host);
    let never_clear = is_base && rules.origin.starts_with("https:");
    origin != rules.origin
        && (never_clear || origin != format!("http://{host}"))
        && origin != format!("https://{host}")
}

#[cfg(test)]
mod tests;
