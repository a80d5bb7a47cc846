//! Who may come in, as far as it takes the whole program: kills in the middle of a sign-in, what the
//! log says, the key that the first start prints.

use std::collections::BTreeMap;

use reqwest::Response;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use simulators::google::{Action, Consent, Fault};

use crate::common::{ACCOUNT, Api, KEY, Program, Stage, canary, event, plain_client, wait_until};

/// Google keeps its next answer to `/token` for longer than a kill takes.
fn hold_the_next_token(stage: &Stage) {
    let hold = Action::Hold { ms: 20_000 };
    stage.google.fault(Fault::after("token", hold).times(1));
}

fn tokens_asked_for(stage: &Stage) -> usize {
    let log = stage.google.log();
    log.iter().filter(|entry| entry.method == "token").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_google_s_new_token_and_the_commit_it_goes_on_or_says_reconnect() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let put = |uid: &str, title: &str| {
        let text = event(uid, title, 5);
        source.put("alice", "work", &format!("{uid}.ics"), &text);
    };
    put("a", "First");
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    for (rotated, title, titles) in [
        (false, "Second", vec!["First", "Second"]),
        (true, "Third", vec!["First", "Second", "Third"]),
    ] {
        stage
            .google
            .knobs(|knobs| knobs.rotate_refresh_tokens = rotated);
        stage.google.expire_access_tokens();
        put(title, title);
        hold_the_next_token(&stage);
        let before = tokens_asked_for(&stage);
        let asked = json!({ "mapping_id": mapping });
        stage.api().post_for(202, "/sync", &asked).await;
        wait_until("the renewal", async || {
            (tokens_asked_for(&stage) > before).then_some(())
        })
        .await;
        stage.down().kill();
        stage.up();
        if rotated {
            // The token it knows is dead, and the new one was never told to anybody.
            let run = stage.api().sync(&mapping).await;
            assert_eq!(run["error"]["code"], "google_needs_sign_in", "{run:#}");
            let status = stage.api().get("/status").await;
            assert_eq!(status["google"]["accounts"][0]["status"], "needs_reauth");
            stage.sign_in().await;
        }
        stage.api().sync_well(&mapping).await;
        assert_eq!(stage.titles(), titles);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_sign_in_nothing_is_half_there() {
    let mut stage = Stage::start();
    stage.google.consent(Consent::all(ACCOUNT));
    let http = plain_client();
    let start = format!("{}/oauth/start", stage.program().url);
    let begun = http.get(start).bearer_auth(KEY).send().await.unwrap();
    let cookie = first_cookie(&begun);
    let consented = http.get(location(&begun)).send().await.unwrap();
    let callback = location(&consented);
    hold_the_next_token(&stage);
    let come = || http.get(&callback).header(COOKIE, &cookie).send();
    let back = tokio::spawn(come());
    wait_until("the exchange", async || {
        (tokens_asked_for(&stage) > 0).then_some(())
    })
    .await;
    stage.down().kill();
    assert!(back.await.unwrap().is_err(), "it was answered");
    stage.up();
    let accounts = stage.api().get("/google/accounts").await;
    assert_eq!(accounts, json!({"accounts": []}));
    // The state was used up before Google was asked.
    let url = callback.replace(&old_origin(&callback), &stage.program().url);
    let again = http.get(url).header(COOKIE, &cookie).send().await.unwrap();
    assert_eq!(again.status(), 400);
    stage.sign_in().await;
    let accounts = stage.api().get("/google/accounts").await;
    assert_eq!(accounts["accounts"][0]["email"], ACCOUNT);
}

fn old_origin(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.origin().ascii_serialization()
}

fn first_cookie(answer: &Response) -> String {
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

fn value(cookie: &str) -> String {
    cookie.split_once('=').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lets_in_is_told_to_nobody() {
    let stage = Stage::start_with(&[("LOCAL_ACCESS", "off")]);
    let url = stage.program().url.clone();
    let http = plain_client();
    let (typed, sent) = ("a-guess-from-the-form", "a-guess-from-the-header");
    canary::secret("a guess", typed);
    canary::secret("a guess", sent);
    let sign_in = |key: &str| {
        let form = [("key", key)];
        http.post(format!("{url}/ui/sign-in")).form(&form).send()
    };
    assert_eq!(sign_in(typed).await.unwrap().status(), 422);
    let session = first_cookie(&sign_in(KEY).await.unwrap());
    canary::secret("a session", &value(&session));
    let settings = format!("{url}/ui/settings");
    let page = http.get(&settings).header(COOKIE, &session);
    let page = page.send().await.unwrap().text().await.unwrap();
    let (_, token) = page.split_once("name=\"csrf\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let saved = http.post(&settings).header(COOKIE, &session);
    let saved = saved.form(&[("csrf", token), ("interval_seconds", "90")]);
    assert_eq!(saved.send().await.unwrap().status(), 303);
    let guess = http.get(format!("{url}/status")).bearer_auth(sent);
    assert_eq!(guess.send().await.unwrap().status(), 401);
    // Not through `Api`, which looks for secrets in answers: this one has to be in this one.
    let made = http.post(format!("{url}/keys")).bearer_auth(KEY);
    let made = made.json(&json!({"name": "new"})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    canary::secret("a new key", made["key"].as_str().unwrap());
    let begun = http.get(format!("{url}/oauth/start")).bearer_auth(KEY);
    let begun = begun.send().await.unwrap();
    canary::secret("a sign-in under way", &value(&first_cookie(&begun)));
    // Its end looks for all of them, in a log of everything. A form's token alone lets nobody in,
    // and is kept with its session; the log has no use for it either.
    stage.api().get("/keys").await;
    assert!(!stage.program().whole_log().contains(token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_a_line_that_fail2ban_can_read() {
    for (format, start, end) in [
        ("text", "a wrong key was refused client=", ""),
        (
            "json",
            "\"message\":\"a wrong key was refused\",\"client\":\"",
            "\"",
        ),
    ] {
        let stage = Stage::start_with(&[("LOG_FORMAT", format)]);
        let port = stage.program().port();
        let guess = plain_client().get(format!("http://127.0.0.1:{port}/status"));
        let guess = guess.bearer_auth("a guess client=6.6.6.6");
        assert_eq!(guess.send().await.unwrap().status(), 401);
        let log = stage.program().log_with("wrong key").await;
        let line = log.lines().find(|line| line.contains("wrong key")).unwrap();
        let (_, address) = line.split_once(start).unwrap();
        assert!(address.starts_with(&format!("127.0.0.1{end}")), "{line}");
        assert!(!log.contains("6.6.6.6"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_is_printed_once_and_replaced_by_the_environment() {
    let data = tempfile::TempDir::new().unwrap();
    let start = |key: &str| {
        let environment = BTreeMap::from([
            ("API_KEY".to_owned(), key.to_owned()),
            ("LOCAL_ACCESS".to_owned(), "off".to_owned()),
        ]);
        Program::serve(data.path(), &environment)
    };
    let works = async |program: &Program, key: &str| {
        let api = Api::new(&program.url, key);
        let (status, _): (u16, Value) = api.request(reqwest::Method::GET, "/status", None).await;
        status == 200
    };
    let first = start("");
    let log = first.log();
    let (_, key) = log.split_once("API key, shown this once").unwrap();
    let (_, key) = key.split_once(": ").unwrap();
    let key = key.split_whitespace().next().unwrap().to_owned();
    assert!(key.starts_with("caldav-sync_"), "{log}");
    assert!(works(&first, &key).await);
    first.terminate();

    let second = start("");
    assert!(!second.log().contains("caldav-sync_"), "{}", second.log());
    assert!(works(&second, &key).await);
    second.terminate();

    let third = start("a-key-of-my-own-making");
    assert!(works(&third, "a-key-of-my-own-making").await);
    assert!(!works(&third, &key).await);
    assert!(!third.log().contains("a-key-of-my-own-making"));
}
