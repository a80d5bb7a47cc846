//! The security standards, row by row: each test is named after the number of its row. What a row
//! asks that is proven elsewhere is named here.
//!
//! | row | about | proven by |
//! | --- | --- | --- |
//! | S1 | requests from this computer | `s1_…` here and in `access::decide` (each condition flipped); through real proxies: `proxies` in the product's tests; in the image: `LOCAL_ACCESS=off` |
//! | S2 | API keys | `s2_…` |
//! | S3 | headers of every answer | `s3_…`; of a panic's: `gate::tests`; no violation in a browser: `browser_flow` in the product's tests |
//! | S4 | where we connect to | `s4_…` in `outbound`, in `caldav-client`'s `sites`, in `app::webhooks` and in `webhooks` of the product's tests |
//! | S5 | XML | `caldav-client`'s `bombs` and `xml` |
//! | S6 | iCalendar bombs | `ical-model`'s `bombs`, `sync-engine`'s `recurrence::bombs`; among a thousand good neighbours: `bombs` in the product's tests |
//! | S7 | events are text | `markup_browser` in the product's tests; `cargo xtask tidy` for `PreEscaped` |
//! | S8 | secrets at rest | `store`'s `secrets`; `operations` in the product's tests |
//! | S9 | no secret anywhere it does not belong | headers: `access` in the product's tests; everything else: `common::canary` there, which every program of those tests carries |
//! | S10 | guessing keys (no passwords: sign-in is by key) | `s10_…`, `access::throttle` |
//! | S11 | sessions | `s11_…`, `access::cookies` |
//! | S12 | other sites' forms | `s12_…`, `access::decide` |
//! | S13 | hosts | `s13_…` |
//! | S14 | a proxy's sign-in | `s14_…` |
//! | S15 | sign-in with Google | `s15_…`, `sign_in`; renewals: `gcal-client`'s `tokens`; kills: `access` in the product's tests |
//! | S16 | TLS | certificates: `s16_…` in `outbound`'s `certificates` and `verify`, in `caldav-client`'s `sites`, in `app::trust`, in `certificates` here and in the product's tests; passwords in clear: `s16_…` in `caldav-client::profile` and in `accounts` |
//! | S17 | webhooks | `s17_…` in `app::webhooks` and in `webhooks`; kills: `webhooks` in the product's tests |
//! | S18 | limits | of the sign-in: `s18_…`; of everything else: `refusals`, `hygiene`, `hostile` |
//! | S20 | what strangers see | `s20_…` |
//!
//! Where the code is stricter than a row, or differs from it with a reason:
//! - S3: no script at all (`script-src` is `'none'` by default), and `Referrer-Policy` is
//!   `same-origin`: with `no-referrer` browsers send `Origin: null` with our own forms, which S12
//!   refuses.
//! - S11: below a path, cookies are `__Secure-` with that path: `__Host-` demands `Path=/` and would
//!   show them to whatever else is on that host.
//! - S18: the sign-in takes 2 KiB, because a key may have 512 characters.

mod keys;
mod sessions;
mod sign_in;
mod walks;

use reqwest::Method;

/// Every address of the site with each of its methods; places for ids are filled with `x`.
fn every_request() -> Vec<(Method, String)> {
    let mut all = Vec::new();
    for (path, methods) in web::addresses() {
        let path: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for method in methods.split(", ") {
            all.push((method.parse().unwrap(), path.clone()));
        }
    }
    assert!(all.len() > 60, "{all:?}");
    all
}

fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

fn is_open(path: &str) -> bool {
    path == "/ui/sign-in" || path == "/oauth/callback" || path.starts_with("/ui/assets/")
}

/// Whether a method changes something.
fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}
