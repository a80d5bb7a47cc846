//! nginx, Caddy and openssl, for the tests that go through a real reverse proxy.
//!
//! Taken from the system's packages; whoever has others names them in [`NGINX`] and [`CADDY`].

use std::path::PathBuf;

use xshell::Shell;

use super::{apt_install, can_apt_install, find_program, named};
use crate::Result;

/// Environment variable with the path of nginx.
pub(super) const NGINX: &str = "CALDAV_SYNC_NGINX";

/// Environment variable with the path of Caddy.
pub(super) const CADDY: &str = "CALDAV_SYNC_CADDY";

/// Both, installed when they are missing and may be.
pub(super) fn provision(sh: &Shell) -> Result<(PathBuf, PathBuf)> {
    if let Some(found) = existing() {
        return Ok(found);
    }
    if can_apt_install(sh) {
        apt_install(sh, &["nginx", "caddy", "openssl"])?;
    }
    existing().ok_or_else(|| {
        format!(
            "the tests behind reverse proxies need nginx, Caddy and openssl. On Debian: apt-get \
             install nginx caddy openssl. Elsewhere install them and put them into PATH, or name \
             the first two in {NGINX} and {CADDY}"
        )
        .into()
    })
}

/// Both, when they are there, with what makes their certificates.
pub(super) fn existing() -> Option<(PathBuf, PathBuf)> {
    find_program("openssl")?;
    Some((
        named(NGINX, &["nginx", "/usr/sbin/nginx"])?,
        named(CADDY, &["caddy"])?,
    ))
}
