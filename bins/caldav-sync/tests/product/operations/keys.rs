//! `key reset`, a wrong encryption key, and what lies in the files.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method};
use rusqlite::Connection;
use simulators::caldav::{CaldavSim, CaldavSimConfig};

use super::ended;
use crate::common::{Program, Stage, event};

fn without_key(data: &std::path::Path) -> Program {
    let environment = BTreeMap::from([
        ("DATA_DIR".to_owned(), data.display().to_string()),
        ("BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ("LOCAL_ACCESS".to_owned(), "off".to_owned()),
        ("LOG_FORMAT".to_owned(), "text".to_owned()),
    ]);
    Program::start(&[], &environment, |line| {
        let (_, rest) = line.split_once("Listening on ")?;
        Some(
            rest.split_whitespace()
                .next()?
                .trim_end_matches('/')
                .to_owned(),
        )
    })
}

/// The word that begins like a generated key.
fn key_in(text: &str) -> String {
    let start = text.find("caldav-sync_").unwrap();
    let key = text[start..].split_whitespace().next().unwrap();
    key.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_counts_with_the_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let program = without_key(folder.path());
    let first = key_in(&program.log());
    let http = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let status = async |key: &str| {
        let url = format!("{}/status", program.url);
        let answer = http.request(Method::GET, url).bearer_auth(key).send();
        answer.await.unwrap().status().as_u16()
    };
    assert_eq!(status(&first).await, 200);
    // A browser that has signed in.
    let page = http.get(format!("{}/ui/sign-in", program.url)).send();
    let page = page.await.unwrap().text().await.unwrap();
    assert!(page.contains("caldav-sync key reset"), "{page}");
    let signed_in = http
        .post(format!("{}/ui/sign-in", program.url))
        .header("origin", &program.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("key={first}"))
        .send()
        .await
        .unwrap();
    let cookie = signed_in
        .headers()
        .get(SET_COOKIE)
        .unwrap()
        .to_str()
        .unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let dashboard = async || {
        let url = format!("{}/ui/", program.url);
        let answer = http.get(url).header(COOKIE, &cookie).send().await.unwrap();
        let to = answer.headers().get(LOCATION).cloned();
        (answer.status().as_u16(), to)
    };
    assert_eq!(dashboard().await.0, 200);

    let data = folder.path().to_str().unwrap();
    let reset = Program::run(&["key", "reset"], &[("DATA_DIR", data)]);
    ended(&reset, 0);
    let second = String::from_utf8(reset.stdout).unwrap();
    let second = second.trim();
    assert_eq!(second, key_in(second), "the key alone can be piped on");
    assert_ne!(second, first);
    assert_eq!(status(&first).await, 401);
    assert_eq!(status(second).await, 200);
    let (code, to) = dashboard().await;
    assert_eq!(code, 303, "the session has ended");
    assert!(to.unwrap().to_str().unwrap().contains("/ui/sign-in"));

    // It holds over a restart, and where API_KEY is set there is nothing to reset.
    assert!(program.terminate().0.success());
    let again = without_key(folder.path());
    assert!(!again.log().contains("caldav-sync_"), "{}", again.log());
    let set = [("DATA_DIR", data), ("API_KEY", "a-key-of-our-own-choosing")];
    let told = ended(&Program::run(&["key", "reset"], &set), 78);
    assert!(
        told.contains("API_KEY") && told.contains("restart"),
        "{told}"
    );
    let nothing = tempfile::tempdir().unwrap();
    let nothing = [("DATA_DIR", nothing.path().to_str().unwrap())];
    ended(&Program::run(&["key", "reset"], &nothing), 78);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_does_not_start_and_harms_nothing() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Breakfast", 3));
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    assert!(stage.down().terminate().0.success());
    let database = stage.data().join("caldav_sync.db");
    let before = std::fs::read(&database).unwrap();
    let (asked, written) = (source.log().len(), stage.google.counts().writes_total());

    let key = stage.data().join("secret.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    let told = ended(&stage.run(&["serve"]), 78);
    assert!(
        told.contains("another key") && told.contains("secret.key"),
        "{told}"
    );
    std::fs::remove_file(&key).unwrap();
    let told = ended(&stage.run(&["serve"]), 78);
    assert!(told.contains("the key file is gone"), "{told}");
    assert_eq!(
        std::fs::read(&database).unwrap(),
        before,
        "the file is as it was"
    );
    assert_eq!(source.log().len(), asked, "nobody was asked anything");
    assert_eq!(stage.google.counts().writes_total(), written);

    std::fs::write(&key, right).unwrap();
    stage.up();
    let status = stage.api().get("/status").await;
    assert_eq!(
        status["caldav"]["accounts"][0]["status"], "ok",
        "{status:#}"
    );
    assert_eq!(
        status["google"]["accounts"][0]["status"], "ok",
        "{status:#}"
    );
    stage.api().sync_well(&mapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_secret_does_not_open_elsewhere() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let mut stage = Stage::start();
    stage.set_up(source.url(), "work").await;
    assert!(stage.down().terminate().0.success());
    // The refresh token of Google where the CalDAV password was: it would be sent to that server.
    let conn = Connection::open(stage.data().join("caldav_sync.db")).unwrap();
    conn.execute_batch(
        "UPDATE caldav_account SET password = (SELECT refresh_token FROM google_account)",
    )
    .unwrap();
    drop(conn);
    let asked = source.log().len();
    stage.up();
    let api = stage.api();
    let mapping = api.get("/mappings").await["mappings"][0]["id"].clone();
    let run = api.sync(mapping.as_str().unwrap()).await;
    assert_eq!(run["status"], "failure", "{run:#}");
    assert_eq!(source.log().len(), asked, "nothing was sent there");
}
