//! What every handler shares: the application, where we are reached, and who guesses keys.

use std::sync::atomic::{AtomicBool, Ordering};

use app::App;

use crate::access::{Cookies, Rules, Throttle, Visit};
use crate::config::WebConfig;

/// Shared by all workers.
pub(crate) struct Web {
    pub(crate) app: App,
    pub(crate) config: WebConfig,
    pub(crate) cookies: Cookies,
    /// Wrong keys of requests.
    pub(crate) keys: Throttle,
    /// Wrong keys of the sign-in form, counted apart: a script with an old key, or a neighbour behind
    /// the same proxy, keeps nobody out who has the right one.
    pub(crate) sign_ins: Throttle,
    /// The token of forms for visitors without a session, from this computer or signed in by a proxy:
    /// another site cannot read it. New at each start.
    pub(crate) common_csrf: String,
    port: u16,
    proxy_seen: AtomicBool,
    forgery_told: AtomicBool,
}

impl Web {
    pub(crate) fn new(app: App, config: WebConfig, port: u16) -> Result<Self, app::UserError> {
        Ok(Self {
            cookies: Cookies::new(&config),
            keys: Throttle::default(),
            sign_ins: Throttle::default(),
            common_csrf: app::access::random(24)?,
            port,
            proxy_seen: AtomicBool::new(false),
            forgery_told: AtomicBool::new(false),
            app,
            config,
        })
    }

    /// The rules as they hold now.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            local_access: self.config.local_access,
            base_is_loopback: self.config.is_loopback(),
            host: self
                .config
                .base_url
                .host_str()
                .unwrap_or_default()
                .to_owned(),
            origin: self.config.origin(),
            more_hosts: self.config.allowed_hosts.clone(),
            port: self.port,
            proxies: self.config.trusted_proxies.clone(),
            forward_auth: self.config.forward_auth_header.clone(),
            proxy_seen: self.proxy_seen.load(Ordering::Relaxed),
        }
    }

    /// Notices what a request says about proxies. One on this computer: nobody is local until the next
    /// start, for a proxy makes everybody look so.
    pub(crate) fn look_for_proxies(&self, visit: &Visit) {
        if visit.peer.is_loopback() && visit.is_forwarded() {
            let was_in_force = self.rules().local_in_force();
            if !self.proxy_seen.swap(true, Ordering::Relaxed) && was_in_force {
                tracing::warn!(
                    "a request from this computer came through a proxy: from now until the next \
                     start every request needs the key. Set BASE_URL to the address the proxy is \
                     reached at"
                );
            }
        }
        let config = &self.config;
        if visit.is_forged(
            config.forward_auth_header.as_deref(),
            &config.trusted_proxies,
        ) && !self.forgery_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                peer = %visit.peer,
                "headers that only a proxy sends came from an address that is not in \
                 TRUSTED_PROXIES; they are ignored. This is said once"
            );
        }
    }

    /// Whether nobody is local any more because a proxy was seen.
    pub(crate) fn local_has_ended(&self) -> bool {
        let rules = self.rules();
        rules.proxy_seen
            && Rules {
                proxy_seen: false,
                ..rules
            }
            .local_in_force()
    }

    /// A path of this site, under the base path.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.config.prefix())
    }
}
