//! The decision about one request: a function of the rules, the request and what its key and cookie
//! turned out to be.

use actix_web::http::Method;
use secrecy::SecretString;
use url::Url;

use super::cidr::Cidr;
use super::local;
use super::visit::{Area, Visit};

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
    /// The port we listen on.
    pub(crate) port: u16,
    /// `TRUSTED_PROXIES`.
    pub(crate) proxies: Vec<Cidr>,
    /// A forwarding header came from loopback since the start: a proxy stands before us.
    pub(crate) proxy_seen: bool,
}

impl Rules {
    /// Whether any request at all may do without a key.
    pub(crate) fn local_in_force(&self) -> bool {
        self.local_access && self.base_is_loopback && self.proxies.is_empty() && !self.proxy_seen
    }
}

/// What the request's key and cookie turned out to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// Whether the key of its `Authorization` header lets in; `None` without one.
    pub(crate) key: Option<bool>,
    /// The session of its cookie.
    pub(crate) session: Option<Session>,
}

/// A browser's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// What its cookie holds.
    pub(crate) id: SecretString,
    /// What its forms carry.
    pub(crate) csrf: String,
}

/// As whom a request comes in.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// With a key.
    Key,
    /// In a session.
    Session(Session),
    /// From this computer.
    Local,
    /// As anybody, where that is enough.
    Anybody,
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
        Some(true) => return Decision::Enter(Access::Key),
        // A wrong key is wrong even where none is needed: better to hear of it at once.
        Some(false) => return Decision::BadKey,
        None => {}
    }
    if let Some(session) = credentials.session {
        if !visit.is_safe() && made_elsewhere(rules, visit) {
            return Decision::CrossSite;
        }
        return Decision::Enter(Access::Session(session));
    }
    if local::is_local(rules, visit) {
        return Decision::Enter(Access::Local);
    }
    match visit.area {
        Area::Open if !visit.is_safe() && names_another_site(rules, visit) => Decision::CrossSite,
        Area::Open | Area::Callback => Decision::Enter(Access::Anybody),
        _ => Decision::SignIn,
    }
}

/// The host is `BASE_URL`'s or loopback. The port is not looked at: a name that leads here by a trick
/// is a foreign name.
fn host_is_ours(rules: &Rules, visit: &Visit) -> bool {
    let Some(given) = visit.host(&rules.proxies) else {
        return false;
    };
    // A URL parser, so that what follows the name cannot confuse anybody.
    let Ok(url) = Url::parse(&format!("http://{given}/")) else {
        return false;
    };
    if !url.username().is_empty() || url.password().is_some() || url.path() != "/" {
        return false;
    }
    let name = url.host_str().unwrap_or_default();
    name == rules.host || matches!(name, "localhost" | "127.0.0.1" | "[::1]")
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
    origin != rules.origin
        && origin != format!("http://{host}")
        && origin != format!("https://{host}")
}

#[cfg(test)]
mod tests;
