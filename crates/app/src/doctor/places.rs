//! The servers: does the name resolve, is the connection safe, what time is it there. Each is asked
//! once, without a sign-in; any answer will do.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use gcal_client::Endpoints;
use outbound::{Client, Error, Fingerprint, Method, Origin, Policy, Reach, Request};
use sync_engine::model::time::Timestamp;
use url::{Host, Url};

use super::Check;
use crate::clock::Clock;
use crate::service::App;
use crate::trust::trusted;

/// Clocks may differ by so many seconds: servers round, and answers take their time.
const APART: i64 = 30;
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server to ask, and the one certificate that it may show.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place(Url, Option<Fingerprint>);

impl Place {
    /// The server of an address; `None` if it is none.
    fn of(address: &Url, trusted: Option<Fingerprint>) -> Option<Self> {
        let mut url = address.clone();
        if !url.has_host() || url.set_username("").is_err() || url.set_password(None).is_err() {
            return None;
        }
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Some(Self(url, trusted))
    }

    fn name(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// What one server said.
struct Heard {
    place: Place,
    /// How far it is from us, or why it gave no answer.
    answer: Result<Reach, Error>,
    /// Seconds that our clock is ahead of its.
    ahead: Option<i64>,
}

impl App {
    /// Google, and every CalDAV server that is in use.
    pub(super) async fn check_places(&self) -> Vec<Check> {
        let google = google(&self.inner.config.endpoints);
        let mut places: Vec<Place> = google
            .iter()
            .filter_map(|url| Place::of(url, None))
            .collect();
        match self.caldav_accounts().await {
            Ok(accounts) => places.extend(accounts.iter().filter_map(|account| {
                let url = Url::parse(&account.base_url).ok()?;
                // One that cannot be read is told of with its account.
                Place::of(&url, trusted(account).ok()?)
            })),
            Err(error) => return vec![Check::fail("caldav", error.detail, error.action)],
        }
        ask_all(places, self.inner.clock.as_ref()).await
    }
}

/// Where Google is asked.
pub fn google(endpoints: &Endpoints) -> Vec<Url> {
    vec![endpoints.token.clone(), endpoints.api.clone()]
}

/// Asks the servers of these addresses, each once.
pub async fn places(addresses: &[Url], clock: &dyn Clock) -> Vec<Check> {
    let places = addresses.iter().filter_map(|url| Place::of(url, None));
    ask_all(places.collect(), clock).await
}

async fn ask_all(places: Vec<Place>, clock: &dyn Clock) -> Vec<Check> {
    let mut policy = Policy::default();
    policy.connect_timeout = PATIENCE / 2;
    policy.total_timeout = PATIENCE;
    let client = match Client::new(policy) {
        Ok(client) => client,
        Err(error) => {
            return vec![Check::fail(
                "tls",
                format!("{error}."),
                "Check that the system's certificates (ca-certificates) are installed.",
            )];
        }
    };
    let places: BTreeMap<(String, Option<Fingerprint>), Place> = places
        .into_iter()
        .map(|place| ((place.0.to_string(), place.1), place))
        .collect();
    let asked = places.into_values().map(|place| ask(&client, place, clock));
    let heard = join_all(asked).await;
    let mut checks: Vec<Check> = heard.iter().flat_map(connection).collect();
    checks.push(time(&heard));
    checks
}

async fn ask(client: &Client, place: Place, clock: &dyn Clock) -> Heard {
    let request = Request::new(Method::HEAD, place.0.clone());
    let before = clock.now();
    let answer = match place.1.map(|trusted| client.trusting(&place.0, trusted)) {
        Some(Ok(trusting)) => trusting.send(Origin::Administrator, request).await,
        Some(Err(error)) => Err(error),
        None => client.send(Origin::Administrator, request).await,
    };
    let after = clock.now();
    let ahead = answer.as_ref().ok().and_then(|answer| {
        let there = answer.header(&outbound::header::DATE)?;
        ahead(there, before, after)
    });
    Heard {
        place,
        answer: answer.map(|answer| answer.reach),
        ahead,
    }
}

/// Seconds that our clock is ahead of the one that said `there` some time between `before` and
/// `after`.
fn ahead(there: &str, before: Timestamp, after: Timestamp) -> Option<i64> {
    let there = jiff::fmt::rfc2822::parse(there)
        .ok()?
        .timestamp()
        .as_second();
    let (before, after) = (before.as_second(), after.as_second());
    Some(if there < before {
        before - there
    } else {
        // Whatever lies between them is no difference.
        (after - there).min(0)
    })
}

fn connection(heard: &Heard) -> Vec<Check> {
    let place = &heard.place;
    let name = place.name();
    let encrypted = place.0.scheme() == "https";
    let resolves = || Check::ok("dns", format!("{name} resolves."));
    let mut checks = Vec::new();
    let unresolved = matches!(heard.answer, Err(Error::Resolve { .. }));
    if !unresolved && matches!(place.0.host(), Some(Host::Domain(_))) {
        checks.push(resolves());
    }
    checks.push(match &heard.answer {
        Ok(_) if encrypted && place.1.is_some() => Check::ok(
            "tls",
            format!("{name} shows the certificate that you trusted."),
        ),
        Ok(_) if encrypted => {
            Check::ok("tls", format!("{name} has a certificate that is trusted."))
        }
        Ok(Reach::Private) => Check::ok(
            "tls",
            format!("{name} is asked without encryption, inside your own network."),
        ),
        Ok(Reach::Public) => Check::warn(
            "tls",
            format!("{name} is asked without encryption: the password can be read on the way."),
            "Change the account's address to https.",
        ),
        Err(error @ Error::Resolve { .. }) => Check::fail(
            "dns",
            format!("{error}."),
            "Check the spelling of the address, and this machine's DNS (in a container: its \
             network).",
        ),
        Err(error @ (Error::Certificate { .. } | Error::CertificateChanged { .. })) => Check::fail(
            "tls",
            format!("{error}."),
            caldav_client::unreachable(error),
        ),
        Err(error @ Error::Tls { .. }) => Check::fail(
            "tls",
            format!("{error}."),
            "Check the port of the address, and what the server's log says.",
        ),
        Err(error) => Check::fail(
            "network",
            format!("{error}."),
            "Check that the server runs, the port of the address, and firewalls in between.",
        ),
    });
    checks
}

fn time(heard: &[Heard]) -> Check {
    let told = heard
        .iter()
        .filter_map(|heard| Some((heard.place.name(), heard.ahead?)));
    let Some((name, ahead)) = told.max_by_key(|(_, ahead)| ahead.abs()) else {
        return Check::warn(
            "clock",
            "No server told its time.",
            "Mend the connections first; they are listed here.",
        );
    };
    if ahead.abs() <= APART {
        return Check::ok("clock", "This machine's clock agrees with the servers'.");
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Check::warn(
        "clock",
        format!(
            "This machine's clock is {} seconds {way} that of {name}.",
            ahead.abs()
        ),
        "Turn on time synchronisation (NTP) on this machine. If its clock is right, tell whoever \
         runs the server. Sign-ins, and which of two changes is the later one, hang on it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_outside_the_asking_is_a_difference() {
        let at = |second: i64| Timestamp::from_second(1_795_348_800 + second).unwrap();
        let there = "Sun, 22 Nov 2026 12:00:00 GMT";
        assert_eq!(ahead(there, at(0), at(9)), Some(0));
        assert_eq!(ahead(there, at(-4), at(3)), Some(0));
        assert_eq!(ahead(there, at(95), at(96)), Some(95));
        assert_eq!(ahead(there, at(-96), at(-95)), Some(-95));
        assert_eq!(ahead("yesterday", at(0), at(1)), None);
    }

    #[test]
    fn a_place_is_its_server_alone() {
        let place = |address: &str| Place::of(&Url::parse(address).unwrap(), None);
        let bare = place("https://ada:secret@dav.example:8443/cal/ada?x#y").unwrap();
        assert_eq!(bare.0.as_str(), "https://dav.example:8443/");
        assert!(place("mailto:ada@example.com").is_none());
    }
}
