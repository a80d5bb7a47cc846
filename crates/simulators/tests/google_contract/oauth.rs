//! The whole sign-in dance and every refusal in it.

use data_encoding::BASE64URL_NOPAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use simulators::google::{
    AccountConfig, ClientConfig, Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, GoogleSim,
    GoogleSimConfig,
};

use crate::support::{ADA, EVENTS, Reply, send};

const VERIFIER: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
const RETURN: &str = "http://127.0.0.1:5000/oauth/callback";
const EVENTS_SCOPE: &str = "https://www.googleapis.com/auth/calendar.events";
const LIST_SCOPE: &str = "https://www.googleapis.com/auth/calendar.calendarlist.readonly";

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn challenge() -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER.as_bytes()))
}

/// A good authorization request, with changes; an empty value leaves one out.
fn ask(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let challenge = challenge();
    let scope = format!("{EVENTS_SCOPE} {LIST_SCOPE}");
    let mut pairs: Vec<(String, String)> = [
        ("client_id", DEFAULT_CLIENT_ID),
        ("redirect_uri", RETURN),
        ("response_type", "code"),
        ("scope", scope.as_str()),
        ("state", "s&1"),
        ("access_type", "offline"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
    for (key, value) in changes {
        pairs.retain(|(name, _)| name != key);
        if !value.is_empty() {
            pairs.push(((*key).to_owned(), (*value).to_owned()));
        }
    }
    pairs
}

fn authorize(sim: &GoogleSim, changes: &[(&str, &str)]) -> Reply {
    let pairs = ask(changes);
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    send(
        &sim.base_url(),
        &format!("GET /o/oauth2/v2/auth?{}", form(&pairs)),
        &[],
        b"",
    )
}

/// The query the browser comes back with.
fn returned(reply: &Reply) -> Value {
    assert_eq!(
        reply.status,
        302,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    let url = url::Url::parse(reply.header("location").unwrap()).unwrap();
    assert_eq!(url.path(), "/oauth/callback");
    url.query_pairs()
        .map(|(k, v)| (k.into_owned(), json!(v)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn token(sim: &GoogleSim, pairs: &[(&str, &str)]) -> Reply {
    let mut all = vec![
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ];
    all.retain(|(name, _)| !pairs.iter().any(|(other, _)| other == name));
    all.extend_from_slice(pairs);
    send(
        &sim.base_url(),
        "POST /token",
        &[("content-type", "application/x-www-form-urlencoded")],
        form(&all).as_bytes(),
    )
}

fn redeem(sim: &GoogleSim, code: &str, changes: &[(&str, &str)]) -> Reply {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", RETURN),
        ("code_verifier", VERIFIER),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    pairs.extend_from_slice(changes);
    token(sim, &pairs)
}

fn refresh(sim: &GoogleSim, refresh_token: &str) -> Reply {
    token(
        sim,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ],
    )
}

fn error(reply: &Reply) -> (u16, String) {
    (
        reply.status,
        reply.json()["error"].as_str().unwrap().to_owned(),
    )
}

fn sim() -> GoogleSim {
    let sim = GoogleSim::start(GoogleSimConfig::default()).unwrap();
    sim.consent(Consent::all(ADA));
    sim
}

fn sign_in(sim: &GoogleSim, changes: &[(&str, &str)]) -> Value {
    let code = returned(&authorize(sim, changes))["code"]
        .as_str()
        .unwrap()
        .to_owned();
    redeem(sim, &code, &[]).ok()
}

fn works(sim: &GoogleSim, access: &Value) -> u16 {
    let bearer = format!("Bearer {}", access.as_str().unwrap());
    send(
        &sim.base_url(),
        &format!("GET {EVENTS}"),
        &[("authorization", &bearer)],
        b"",
    )
    .status
}

#[test]
fn a_sign_in_from_end_to_end() {
    let sim = sim();
    let back = returned(&authorize(&sim, &[]));
    assert_eq!(back["state"], "s&1");
    let tokens = redeem(&sim, back["code"].as_str().unwrap(), &[]).ok();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3599);
    assert_eq!(tokens["scope"], format!("{LIST_SCOPE} {EVENTS_SCOPE}"));
    assert!(tokens.get("refresh_token_expires_in").is_none());
    assert_eq!(works(&sim, &tokens["access_token"]), 200);
    sim.advance(SignedDuration::from_secs(3601));
    assert_eq!(works(&sim, &tokens["access_token"]), 401);
    let again = refresh(&sim, tokens["refresh_token"].as_str().unwrap()).ok();
    assert!(again.get("refresh_token").is_none());
    assert_eq!(works(&sim, &again["access_token"]), 200);
}

#[test]
fn requests_google_does_not_even_redirect() {
    let sim = sim();
    for change in [
        ("client_id", "other"),
        ("client_id", ""),
        ("redirect_uri", "http://example.com/oauth/callback"),
        ("redirect_uri", "http://127.0.0.1:5000/elsewhere"),
        ("redirect_uri", "https://127.0.0.1:5000/oauth/callback"),
        ("redirect_uri", "http://127.0.0.1:5000/oauth/callback?x=1"),
        ("response_type", "token"),
        ("scope", ""),
        (
            "scope",
            "https://www.googleapis.com/auth/calendar.everything",
        ),
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
        ("access_type", "sometimes"),
    ] {
        let reply = authorize(&sim, &[change]);
        assert_eq!(reply.status, 400, "{change:?}");
        assert!(reply.header("location").is_none());
    }
    for uri in [
        "http://localhost:81/oauth/callback",
        "http://127.0.0.1/oauth/callback",
    ] {
        assert_eq!(
            authorize(&sim, &[("redirect_uri", uri)]).status,
            302,
            "{uri}"
        );
    }
    let strict = GoogleSim::start(GoogleSimConfig {
        clients: vec![ClientConfig {
            any_loopback: false,
            redirect_uris: vec!["https://sync.example/cb".into()],
            ..ClientConfig::default()
        }],
        ..GoogleSimConfig::default()
    })
    .unwrap();
    strict.consent(Consent::all(ADA));
    assert_eq!(authorize(&strict, &[]).status, 400);
    assert_eq!(
        authorize(&strict, &[("redirect_uri", "https://sync.example/cb")]).status,
        302
    );
}

#[test]
fn people_may_grant_less_or_nothing() {
    let sim = sim();
    sim.consent(Consent {
        grant: Some(vec!["calendar.events".into()]),
        ..Consent::all(ADA)
    });
    assert_eq!(sign_in(&sim, &[])["scope"], EVENTS_SCOPE);
    sim.consent(Consent {
        deny: true,
        times: 1,
        ..Consent::all(ADA)
    });
    assert_eq!(
        returned(&authorize(&sim, &[])),
        json!({"error": "access_denied", "state": "s&1"})
    );
    // The order was for one sign-in; now there is a page again.
    assert_eq!(authorize(&sim, &[]).status, 200);
}

#[test]
fn the_page_works_as_a_plain_form() {
    let sim = GoogleSim::start(
        GoogleSimConfig::default()
            .accounts([AccountConfig::new("a@b.example"), AccountConfig::new(ADA)]),
    )
    .unwrap();
    let reply = authorize(&sim, &[("login_hint", ADA)]);
    let page = String::from_utf8(reply.body.clone()).unwrap();
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.contains(&format!("value=\"{ADA}\" checked")));
    assert!(page.contains("calendar.events"));
    let pairs = ask(&[]);
    let mut fields: Vec<(String, &str)> = pairs
        .iter()
        .map(|(k, v)| (format!("q.{k}"), v.as_str()))
        .collect();
    fields.push(("account".into(), ADA));
    fields.push(("grant".into(), EVENTS_SCOPE));
    let post = |decision: &str| {
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        all.push(("decision", decision));
        send(
            &sim.base_url(),
            "POST /o/oauth2/v2/auth/decide",
            &[],
            form(&all).as_bytes(),
        )
    };
    assert_eq!(returned(&post("cancel"))["error"], "access_denied");
    let code = returned(&post("allow"))["code"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(redeem(&sim, &code, &[]).ok()["scope"], EVENTS_SCOPE);
}

#[test]
fn codes_are_bound_and_used_once() {
    let sim = sim();
    let code = || {
        returned(&authorize(&sim, &[("prompt", "consent")]))["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (changes, expected) in [
        ([("code_verifier", "x".repeat(43))], (400, "invalid_grant")),
        ([("code_verifier", String::new())], (400, "invalid_grant")),
        (
            [(
                "redirect_uri",
                "http://127.0.0.1:5001/oauth/callback".into(),
            )],
            (400, "redirect_uri_mismatch"),
        ),
        ([("client_secret", "wrong".into())], (401, "invalid_client")),
        ([("client_id", "other".into())], (401, "invalid_client")),
        (
            [("grant_type", "password".into())],
            (400, "unsupported_grant_type"),
        ),
        ([("code", "4/garbage".into())], (400, "invalid_grant")),
    ] {
        let changes: Vec<(&str, &str)> = changes.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(
            error(&redeem(&sim, &code(), &changes)),
            (expected.0, expected.1.to_owned()),
            "{changes:?}"
        );
    }
    let late = code();
    sim.advance(SignedDuration::from_secs(601));
    assert_eq!(
        error(&redeem(&sim, &late, &[])),
        (400, "invalid_grant".into())
    );
    // A code used twice takes back what it gave.
    let twice = code();
    let tokens = redeem(&sim, &twice, &[]).ok();
    assert_eq!(works(&sim, &tokens["access_token"]), 200);
    assert_eq!(
        error(&redeem(&sim, &twice, &[])),
        (400, "invalid_grant".into())
    );
    assert_eq!(works(&sim, &tokens["access_token"]), 401);
    assert_eq!(
        error(&refresh(&sim, tokens["refresh_token"].as_str().unwrap())).1,
        "invalid_grant"
    );
}

#[test]
fn refresh_tokens_come_only_when_due() {
    let sim = sim();
    assert!(sign_in(&sim, &[])["refresh_token"].is_string());
    // Signed in before: only prompt=consent brings another.
    assert!(sign_in(&sim, &[]).get("refresh_token").is_none());
    assert!(sign_in(&sim, &[("prompt", "consent")])["refresh_token"].is_string());
    assert!(
        sign_in(&sim, &[("prompt", "consent"), ("access_type", "online")])
            .get("refresh_token")
            .is_none()
    );
}

#[test]
fn refresh_tokens_die() {
    let dead = (400, "invalid_grant".to_owned());
    let live = |sim: &GoogleSim| {
        sign_in(sim, &[("prompt", "consent")])["refresh_token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let sim = sim();
    let token = live(&sim);
    sim.advance(SignedDuration::from_hours(24 * 179));
    assert_eq!(refresh(&sim, &token).status, 200);
    sim.advance(SignedDuration::from_hours(24 * 179));
    assert_eq!(refresh(&sim, &token).status, 200);
    sim.advance(SignedDuration::from_hours(24 * 181));
    assert_eq!(error(&refresh(&sim, &token)), dead);
    let token = live(&sim);
    sim.revoke(ADA);
    assert_eq!(error(&refresh(&sim, &token)), dead);
    // After a revocation the next sign-in counts as the first again.
    assert!(sign_in(&sim, &[])["refresh_token"].is_string());
    // The 101st kills the oldest.
    let first = live(&sim);
    for _ in 0..99 {
        sim.advance(SignedDuration::from_secs(1));
        live(&sim);
    }
    assert_eq!(refresh(&sim, &first).status, 200);
    live(&sim);
    assert_eq!(error(&refresh(&sim, &first)), dead);
    let testing = GoogleSim::start(GoogleSimConfig {
        clients: vec![ClientConfig {
            testing: true,
            ..ClientConfig::default()
        }],
        ..GoogleSimConfig::default()
    })
    .unwrap();
    testing.consent(Consent::all(ADA));
    let tokens = sign_in(&testing, &[]);
    assert_eq!(tokens["refresh_token_expires_in"], 604_799);
    testing.advance(SignedDuration::from_hours(24 * 7 + 1));
    assert_eq!(
        error(&refresh(
            &testing,
            tokens["refresh_token"].as_str().unwrap()
        )),
        dead
    );
}

#[test]
fn rotation_by_knob() {
    let sim = sim();
    let old = sign_in(&sim, &[])["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    sim.knobs(|knobs| knobs.rotate_refresh_tokens = true);
    let new = refresh(&sim, &old).ok()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(error(&refresh(&sim, &old)).1, "invalid_grant");
    assert_eq!(refresh(&sim, &new).status, 200);
}

#[test]
fn a_lost_refresh_can_be_repeated() {
    let sim = sim();
    let token = sign_in(&sim, &[])["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    sim.fault(simulators::google::Fault::lost_answer("token"));
    assert_eq!(refresh(&sim, &token).status, 0);
    assert_eq!(refresh(&sim, &token).status, 200);
}

#[test]
fn revoking_kills_the_grant() {
    let sim = sim();
    let tokens = sign_in(&sim, &[]);
    let revoke = |token: &str| {
        send(
            &sim.base_url(),
            "POST /revoke",
            &[],
            form(&[("token", token)]).as_bytes(),
        )
    };
    assert_eq!(error(&revoke("nonsense")), (400, "invalid_token".into()));
    assert_eq!(revoke(tokens["access_token"].as_str().unwrap()).status, 200);
    assert_eq!(works(&sim, &tokens["access_token"]), 401);
    assert_eq!(
        error(&refresh(&sim, tokens["refresh_token"].as_str().unwrap())).1,
        "invalid_grant"
    );
}

#[test]
fn granted_scopes_add_up_when_asked() {
    let sim = sim();
    assert_eq!(
        sign_in(&sim, &[("scope", EVENTS_SCOPE)])["scope"],
        EVENTS_SCOPE
    );
    assert_eq!(sign_in(&sim, &[("scope", LIST_SCOPE)])["scope"], LIST_SCOPE);
    let all = sign_in(
        &sim,
        &[("scope", LIST_SCOPE), ("include_granted_scopes", "true")],
    );
    assert_eq!(all["scope"], format!("{LIST_SCOPE} {EVENTS_SCOPE}"));
}

#[test]
fn the_client_may_sign_by_basic_auth() {
    let sim = sim();
    let token = sign_in(&sim, &[])["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let basic = data_encoding::BASE64
        .encode(format!("{DEFAULT_CLIENT_ID}:{DEFAULT_CLIENT_SECRET}").as_bytes());
    let reply = send(
        &sim.base_url(),
        "POST /token",
        &[("authorization", &format!("Basic {basic}"))],
        form(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).as_bytes(),
    );
    assert_eq!(reply.status, 200);
}
