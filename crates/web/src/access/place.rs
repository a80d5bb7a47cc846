//! The parts of the site: who may enter each, and what a request there needs to be allowed.

use actix_web::http::Method;
use app::records::KeyScope;

/// The parts of the site, by who may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// `/healthz`, `/readyz`: everybody, whatever the host.
    Probe,
    /// The sign-in page, the style sheet, the icon: everybody.
    Open,
    /// `/oauth/callback`: whoever brings state and cookie.
    Callback,
    /// A page for people.
    Page,
    /// Everything else.
    Api,
}

/// What a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A key of this scope, or whatever may do without one.
    Scope(KeyScope),
    /// A key for everything, or a browser signed in with one: being on this computer, or known to a
    /// proxy, is not enough.
    Key,
}

/// What always needs the key, and all below it: who may come in, and everything at once.
const KEY_ONLY: [&str; 8] = [
    "/keys",
    "/sessions",
    "/backup",
    "/restore",
    "/export",
    "/ui/settings/access",
    "/ui/backup",
    "/ui/export",
];

impl Area {
    /// The area of a path. What is not known by name is closed.
    pub(crate) fn of(path: &str, prefix: &str) -> Self {
        if matches!(path, "/healthz" | "/readyz") {
            return Self::Probe;
        }
        let Some(inside) = path.strip_prefix(prefix) else {
            return Self::Api;
        };
        match inside {
            "/healthz" | "/readyz" => Self::Probe,
            "/oauth/callback" => Self::Callback,
            "/ui/sign-in" => Self::Open,
            "" | "/" | "/ui" | "/oauth/start" => Self::Page,
            _ if inside.starts_with("/ui/assets/") => Self::Open,
            _ if inside.starts_with("/ui/") => Self::Page,
            _ => Self::Api,
        }
    }
}

impl Need {
    /// What a request takes. What is not known by name takes most.
    pub(crate) fn of(method: &Method, path: &str, prefix: &str) -> Self {
        let inside = path.strip_prefix(prefix).unwrap_or(path);
        let below = |start: &str| {
            inside
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if KEY_ONLY.into_iter().any(below) {
            return Self::Key;
        }
        // It changes nothing here, but ends in another account.
        if inside == "/oauth/start" {
            return Self::Scope(KeyScope::Admin);
        }
        if is_safe(method) {
            return Self::Scope(KeyScope::Read);
        }
        let starts_runs = match inside {
            "/sync" | "/ui/sync" => true,
            _ => inside
                .strip_prefix("/ui/mappings/")
                .and_then(|rest| rest.strip_suffix("/sync"))
                .is_some_and(|id| !id.contains('/')),
        };
        match inside {
            "/ui/sign-in" | "/ui/sign-out" => Self::Scope(KeyScope::Read),
            _ if starts_runs => Self::Scope(KeyScope::Sync),
            _ => Self::Scope(KeyScope::Admin),
        }
    }

    /// Whether a key of this scope is enough.
    pub(super) fn met_by(self, scope: KeyScope) -> bool {
        match self {
            Self::Scope(least) => scope >= least,
            Self::Key => scope == KeyScope::Admin,
        }
    }
}

/// Whether a method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_paths_are_closed() {
        for (path, area) in [
            ("/base/ui/sign-in", Area::Open),
            ("/base/ui/sign-in/x", Area::Page),
            ("/base/ui/assets/app.css", Area::Open),
            ("/base/oauth/callback", Area::Callback),
            ("/base/oauth/callback/", Area::Api),
            ("/base/status", Area::Api),
            ("/healthz", Area::Probe),
            ("/base/readyz", Area::Probe),
            ("/readyz/", Area::Api),
            ("/elsewhere", Area::Api),
            ("/base//ui/", Area::Api),
        ] {
            assert_eq!(Area::of(path, "/base"), area, "{path}");
        }
    }

    #[test]
    fn each_request_takes_the_least_that_will_do() {
        use KeyScope::{Admin, Read, Sync};
        for (method, path, need) in [
            (Method::GET, "/status", Need::Scope(Read)),
            (Method::HEAD, "/ui/runs", Need::Scope(Read)),
            (Method::POST, "/ui/sign-out", Need::Scope(Read)),
            (Method::POST, "/sync", Need::Scope(Sync)),
            (Method::POST, "/ui/mappings/map_1/sync", Need::Scope(Sync)),
            (
                Method::POST,
                "/ui/mappings/map_1/other/sync",
                Need::Scope(Admin),
            ),
            (Method::POST, "/mappings", Need::Scope(Admin)),
            (Method::GET, "/oauth/start", Need::Scope(Admin)),
            (Method::DELETE, "/unknown", Need::Scope(Admin)),
            (Method::GET, "/keys", Need::Key),
            (Method::DELETE, "/keys/key_1", Need::Key),
            (Method::GET, "/keyshop", Need::Scope(Read)),
            (Method::GET, "/ui/settings/access", Need::Key),
            (Method::GET, "/ui/settings", Need::Scope(Read)),
            (Method::GET, "/backup", Need::Key),
            (Method::GET, "/export/mappings", Need::Key),
        ] {
            let under = format!("/base{path}");
            assert_eq!(Need::of(&method, &under, "/base"), need, "{method} {path}");
        }
    }
}
