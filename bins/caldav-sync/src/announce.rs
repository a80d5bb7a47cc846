//! What is said at any log level: the address, the key that is shown once.

use std::net::SocketAddr;

use app::App;
use secrecy::{ExposeSecret as _, SecretString};

use crate::logging::ANNOUNCE;

/// Says where the program listens.
pub(crate) fn address(app: &App, bound: SocketAddr) {
    let url = app.config().base_url.as_str().trim_end_matches('/');
    tracing::info!(target: ANNOUNCE, %bound, version = app.config().version, "Listening on {url}/");
}

/// Shows the key that was made just now: the one secret that ever is in a log.
pub(crate) fn key(key: &SecretString) {
    let key = key.expose_secret();
    tracing::info!(
        target: ANNOUNCE,
        "API key, shown this once, for signing in and for the REST API: {key}"
    );
}
