//! The rule for requests from this computer, which need no key. Every condition is about something
//! that a remote visitor, a proxy on this computer or a page in a browser cannot bring about.

use super::decide::Rules;
use super::visit::Visit;

/// Whether a request is local. All conditions hold, or it is not.
pub(super) fn is_local(rules: &Rules, visit: &Visit) -> bool {
    rules.local_in_force()
        && visit.peer.is_loopback()
        && visit.modern
        && !visit.is_forwarded()
        && is_own_name(rules.port, visit)
        && origin_fits(visit)
        && site_fits(visit)
}

/// `Host` is exactly one of the loopback names with the port; `127.0.0.1.evil.example` is not.
fn is_own_name(port: u16, visit: &Visit) -> bool {
    let Some(host) = visit.header("host") else {
        return false;
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        // Clients leave out the port that goes without saying.
        host == format!("{name}:{port}") || (port == 80 && host == *name)
    })
}

/// `Origin` is absent or equal to `Host`: no other page made the request.
fn origin_fits(visit: &Visit) -> bool {
    if !visit.has("origin") {
        return true;
    }
    match (visit.header("origin"), visit.header("host")) {
        (Some(origin), Some(host)) => origin == format!("http://{host}"),
        _ => false,
    }
}

/// `Sec-Fetch-Site` is absent, `none` or `same-origin`. The way back from Google is cross-site; a
/// browser on its way to a page as a whole may come from anywhere, because GETs change nothing.
fn site_fits(visit: &Visit) -> bool {
    if !visit.has("sec-fetch-site") {
        return true;
    }
    matches!(visit.header("sec-fetch-site"), Some("none" | "same-origin")) || visit.is_navigation()
}
