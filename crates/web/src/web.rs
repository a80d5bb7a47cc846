//! What every handler shares: the application, where we are reached, and who guesses keys.

use std::sync::atomic::{AtomicBool, Ordering};

use app::App;

use crate::access::{Cookies, Rules, Throttle};
use crate::config::WebConfig;

/// Shared by all workers.
pub(crate) struct Web {
    pub(crate) app: App,
    pub(crate) config: WebConfig,
    pub(crate) cookies: Cookies,
    pub(crate) throttle: Throttle,
    /// The token of forms for visitors from this computer, who have no session: another site cannot
    /// read it. New at each start.
    pub(crate) local_csrf: String,
    port: u16,
    proxy_seen: AtomicBool,
}

impl Web {
    pub(crate) fn new(app: App, config: WebConfig, port: u16) -> Result<Self, app::UserError> {
        Ok(Self {
            cookies: Cookies::new(&config),
            throttle: Throttle::default(),
            local_csrf: app::access::random(24)?,
            port,
            proxy_seen: AtomicBool::new(false),
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
            port: self.port,
            proxies: self.config.trusted_proxies.clone(),
            proxy_seen: self.proxy_seen.load(Ordering::Relaxed),
        }
    }

    /// A proxy on this computer was seen: nobody is local until the next start.
    pub(crate) fn saw_proxy(&self) {
        if self.rules().local_in_force() && !self.proxy_seen.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a request from this computer came through a proxy: from now until the next start \
                 every request needs the key. Set BASE_URL to the address the proxy is reached at"
            );
        }
        self.proxy_seen.store(true, Ordering::Relaxed);
    }

    /// A path of this site, under the base path.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.config.prefix())
    }
}
