//! Signing in: from the authorize URL to an address and calendars, and every way it ends badly.

use std::sync::Arc;

use gcal_client::oauth::{Scope, read_callback};
use gcal_client::{Error, Google, Pace, SignedIn};
use secrecy::ExposeSecret as _;
use simulators::google::{
    AccountConfig, CalendarConfig, Consent, DEFAULT_ACCOUNT, DEFAULT_CLIENT_SECRET, Fault,
    GoogleSim, GoogleSimConfig, Role,
};
use sync_engine::ports::ErrorClass;

use super::harness::google;

const REDIRECT: &str = "http://127.0.0.1:9999/oauth/callback";

fn sim() -> Arc<GoogleSim> {
    let config = GoogleSimConfig::default().accounts([AccountConfig::new(DEFAULT_ACCOUNT)
        .calendar(CalendarConfig::new(
            "team@group.calendar.google.com",
            "Team",
        ))
        .calendar(
            CalendarConfig::new("h#holiday@group.v.calendar.google.com", "Holidays")
                .role(Role::Reader),
        )]);
    Arc::new(GoogleSim::start(config).unwrap())
}

fn consent(grant: Option<&[&str]>, deny: bool) -> Consent {
    Consent {
        grant: grant.map(|scopes| scopes.iter().map(|s| (*s).to_owned()).collect()),
        deny,
        ..Consent::all(DEFAULT_ACCOUNT)
    }
}

/// The browser's part: follows the authorize URL and brings back the query of the callback.
async fn browser(url: &url::Url) -> String {
    let client = outbound::Client::new(outbound::Policy::default()).unwrap();
    let answer = client
        .send(
            outbound::Origin::Administrator,
            outbound::Request::get(url.clone()),
        )
        .await
        .unwrap();
    let place = answer
        .header(&outbound::header::LOCATION)
        .unwrap_or_else(|| panic!("no redirect: {}", answer.status));
    let place: url::Url = place.parse().unwrap();
    assert!(place.as_str().starts_with(REDIRECT));
    place.query().unwrap().to_owned()
}

async fn sign_in(google: &Google) -> Result<SignedIn, Error> {
    let redirect = REDIRECT.parse().unwrap();
    let start = google.begin_sign_in(&redirect, Some(DEFAULT_ACCOUNT))?;
    let code = read_callback(&browser(&start.url).await, &start.state)?;
    google
        .finish_sign_in(&redirect, &code, &start.verifier)
        .await
}

#[tokio::test]
async fn a_sign_in_gives_tokens_the_address_and_the_calendars() {
    let sim = sim();
    sim.consent(consent(None, false));
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    let signed_in = sign_in(&google).await.unwrap();
    assert_eq!(signed_in.email, DEFAULT_ACCOUNT);
    assert_eq!(Scope::missing_from(&signed_in.tokens.scopes), []);
    let mut calendars: Vec<_> = signed_in
        .calendars
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.access_role.as_str(),
                c.writable,
                c.primary,
            )
        })
        .collect();
    calendars.sort_unstable();
    assert_eq!(
        calendars,
        [
            ("Holidays", "reader", false, false),
            ("Team", "owner", true, false),
            (DEFAULT_ACCOUNT, "owner", true, true),
        ]
    );
    assert!(signed_in.calendars.iter().all(|c| c.color.is_some()));
    assert_eq!(
        signed_in.calendars[0].time_zone.as_deref(),
        Some("Europe/Berlin")
    );
}

#[tokio::test]
async fn the_authorize_url_asks_for_the_least_and_proves_itself() {
    let sim = sim();
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    let start = google
        .begin_sign_in(&REDIRECT.parse().unwrap(), None)
        .unwrap();
    let parameter = |name: &str| {
        start
            .url
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    assert_eq!(
        parameter("scope"),
        "https://www.googleapis.com/auth/calendar.events \
         https://www.googleapis.com/auth/calendar.calendarlist.readonly"
    );
    for (name, value) in [
        ("response_type", "code"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", REDIRECT),
    ] {
        assert_eq!(parameter(name), value);
    }
    assert_eq!(parameter("state"), start.state.expose_secret());
    assert!(start.state.expose_secret().len() >= 16);
    assert!(!start.url.as_str().contains(start.verifier.expose_secret()));
    assert!(!format!("{start:?}").contains(start.verifier.expose_secret()));
    let again = google
        .begin_sign_in(&REDIRECT.parse().unwrap(), None)
        .unwrap();
    assert_ne!(again.state.expose_secret(), start.state.expose_secret());
}

#[tokio::test]
async fn an_unticked_box_is_named() {
    let sim = sim();
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    for (granted, missing) in [
        ("calendar.events", Scope::CalendarList),
        ("calendar.calendarlist.readonly", Scope::Events),
    ] {
        sim.consent(consent(Some(&[granted]), false));
        match sign_in(&google).await {
            Err(Error::ScopesMissing { missing: named }) => assert_eq!(named, [missing]),
            other => panic!("{other:?}"),
        }
        sim.revoke(DEFAULT_ACCOUNT);
    }
}

#[tokio::test]
async fn a_refusal_on_the_consent_page_is_said() {
    let sim = sim();
    sim.consent(consent(None, true));
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    let error = sign_in(&google).await.unwrap_err();
    assert_eq!(error.code(), "access_denied");
    assert_eq!(error.class(), ErrorClass::Credentials);
}

#[tokio::test]
async fn a_code_is_good_once_and_only_with_its_verifier() {
    let sim = sim();
    sim.consent(consent(None, false));
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    let redirect = REDIRECT.parse().unwrap();
    let start = google.begin_sign_in(&redirect, None).unwrap();
    let other = google.begin_sign_in(&redirect, None).unwrap();
    let code = read_callback(&browser(&start.url).await, &start.state).unwrap();
    let stolen = google
        .finish_sign_in(&redirect, &code, &other.verifier)
        .await;
    assert_eq!(stolen.unwrap_err().code(), "code_refused");

    let code = read_callback(&browser(&start.url).await, &start.state).unwrap();
    google
        .finish_sign_in(&redirect, &code, &start.verifier)
        .await
        .unwrap();
    let again = google
        .finish_sign_in(&redirect, &code, &start.verifier)
        .await;
    assert_eq!(again.unwrap_err().code(), "code_refused");
}

#[tokio::test]
async fn a_wrong_client_secret_is_the_operator_s_matter() {
    let sim = sim();
    sim.consent(consent(None, false));
    let google = google(&sim, "not the secret", Pace::unlimited());
    let error = sign_in(&google).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert!(!error.to_string().contains("not the secret"));
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_is_no_refusal() {
    let sim = sim();
    sim.consent(consent(None, false));
    sim.fault(Fault::status("token", 503, "backendError"));
    let google = google(&sim, DEFAULT_CLIENT_SECRET, Pace::unlimited());
    let error = sign_in(&google).await.unwrap_err();
    assert!(
        matches!(error.class(), ErrorClass::Transient { .. }),
        "{error:?}"
    );
}
