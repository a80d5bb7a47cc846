//! The two cookies: a browser's session, and a sign-in with Google under way.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::config::WebConfig;

/// How cookies are named and where they hold.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    session: String,
    sign_in: String,
    path: String,
    secure: bool,
}

impl Cookies {
    /// By scheme and path: browsers enforce what the names promise. On plain http the port is part
    /// of the name, because cookies do not tell ports apart.
    pub(crate) fn new(config: &WebConfig) -> Self {
        let prefix = config.prefix();
        let name = |what: &str| match (config.https(), prefix.is_empty()) {
            (true, true) => format!("__Host-caldav_sync_{what}"),
            (true, false) => format!("__Secure-caldav_sync_{what}"),
            (false, _) => {
                let port = config.base_url.port_or_known_default().unwrap_or(80);
                format!("caldav_sync_{what}_{port}")
            }
        };
        Self {
            session: name("session"),
            sign_in: name("google"),
            path: if prefix.is_empty() {
                "/".to_owned()
            } else {
                prefix.to_owned()
            },
            secure: config.https(),
        }
    }

    /// The name of the session's cookie.
    pub(crate) fn session_name(&self) -> &str {
        &self.session
    }

    /// The name of the cookie of a sign-in with Google.
    pub(crate) fn sign_in_name(&self) -> &str {
        &self.sign_in
    }

    /// A session's cookie, for thirty days; the server ends it sooner when it is not used.
    pub(crate) fn session(&self, id: &str) -> Cookie<'static> {
        self.cookie(&self.session, id, Duration::days(30))
    }

    /// The cookie of a sign-in with Google, for ten minutes.
    pub(crate) fn sign_in(&self, secret: &str) -> Cookie<'static> {
        self.cookie(&self.sign_in, secret, Duration::minutes(10))
    }

    /// Takes the session's cookie away.
    pub(crate) fn no_session(&self) -> Cookie<'static> {
        self.cookie(&self.session, "", Duration::ZERO)
    }

    /// Takes the cookie of a sign-in away.
    pub(crate) fn no_sign_in(&self) -> Cookie<'static> {
        self.cookie(&self.sign_in, "", Duration::ZERO)
    }

    fn cookie(&self, name: &str, value: &str, age: Duration) -> Cookie<'static> {
        Cookie::build(name.to_owned(), value.to_owned())
            .path(self.path.clone())
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(age)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_promise_what_the_scheme_allows() {
        for (base, starts, path, secure) in [
            ("https://a.example", "__Host-", "Path=/;", true),
            ("https://a.example/sync/", "__Secure-", "Path=/sync;", true),
            (
                "http://localhost:8080",
                "caldav_sync_session_8080=",
                "Path=/;",
                false,
            ),
        ] {
            let cookies = Cookies::new(&WebConfig {
                base_url: base.parse().unwrap(),
                trusted_proxies: Vec::new(),
                forward_auth_header: None,
                allowed_hosts: Vec::new(),
                local_access: true,
            });
            let written = format!("{};", cookies.session("id"));
            assert!(written.starts_with(starts), "{written}");
            assert!(written.contains(path), "{written}");
            assert!(written.contains("HttpOnly"), "{written}");
            assert!(written.contains("SameSite=Lax"), "{written}");
            assert_eq!(written.contains("Secure;"), secure, "{written}");
        }
    }
}
