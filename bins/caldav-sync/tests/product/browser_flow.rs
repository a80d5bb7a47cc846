//! The same way as a person goes it: a real browser, plain forms, a real calendar server.
//!
//! No key is typed: the browser is on the same computer, and the program is told of nobody else.

use testkit::{Chromium, Radicale};

use crate::common::{Stage, event, series, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_sets_up_syncs_and_switches_off_and_on() {
    let server = Radicale::start();
    let dav = server.dav("alice");
    let path = server.calendar_path("alice", "work");
    dav.mkcalendar(&path, "Work").await;
    dav.put(
        &format!("{path}one.ics"),
        &event("one", "One <b>bold</b> & more", 4),
    )
    .await;
    dav.put(&format!("{path}two.ics"), &series("two", "Two", 6))
        .await;
    let stage = Stage::start();
    let ui = format!("{}/ui", stage.program().url);
    let browser = Chromium::start().await;

    browser.goto(&stage.program().url).await;
    assert_eq!(
        browser.url().await,
        format!("{ui}/"),
        "{}",
        browser.source().await
    );

    // A wrong password first: what was typed stays, but for the password.
    browser.goto(&format!("{ui}/caldav/new")).await;
    add_account(&browser, &server.url(), "wrong").await;
    browser.wait_for("[role=alert]").await;
    let alert = browser.text("[role=alert]").await;
    assert!(alert.to_lowercase().contains("password"), "{alert}");
    assert!(browser.url().await.ends_with("/ui/caldav/new"));
    add_account(&browser, &server.url(), "alicepw").await;
    browser.wait_for("ul.calendars").await;
    assert!(browser.text("ul.calendars").await.contains("Work"));

    // To Google's consent page and back.
    browser.goto(&format!("{ui}/google")).await;
    browser.click("a[href$='/oauth/start']").await;
    browser.wait_for("#allow").await;
    assert!(browser.url().await.starts_with(&stage.google.base_url()));
    browser.click("#allow").await;
    browser.wait_for("ul.calendars").await;
    assert!(
        browser.url().await.starts_with(&ui),
        "{}",
        browser.url().await
    );
    assert!(browser.text("ul.calendars").await.contains("Target"));

    browser.goto(&format!("{ui}/mappings/new")).await;
    browser.select("#caldav_calendar_id", "Work").await;
    browser.select("#google_calendar_id", "Target").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for("form[action$='/ui/sync'] button").await;
    browser.click("form[action$='/ui/sync'] button").await;
    arrive(&stage, &["One <b>bold</b> & more", "Two"]).await;

    // Events are text on every page that shows them.
    browser.goto(&format!("{ui}/runs")).await;
    assert_eq!(browser.count("main b").await, 0);

    // Off: nothing follows. On: it does.
    browser.goto(&format!("{ui}/mappings")).await;
    browser.click("form[action$='/pause'] button").await;
    browser.goto(&format!("{ui}/mappings")).await;
    browser.wait_for("form[action$='/resume'] button").await;
    dav.put(&format!("{path}three.ics"), &event("three", "Three", 8))
        .await;
    browser.goto(&format!("{ui}/")).await;
    browser.click("form[action$='/ui/sync'] button").await;
    browser.goto(&format!("{ui}/mappings")).await;
    assert_eq!(stage.titles().len(), 2, "a paused mapping was synced");
    browser.click("form[action$='/resume'] button").await;
    arrive(&stage, &["One <b>bold</b> & more", "Three", "Two"]).await;

    browser.goto(&format!("{ui}/")).await;
    assert!(
        browser.title().await.contains("sync"),
        "{}",
        browser.title().await
    );
    let said = browser.console().await;
    let wrong: Vec<&String> = said
        .iter()
        // The refused password is a 422, and browsers note those; the consent page is not ours.
        .filter(|line| line.starts_with("SEVERE") && !line.contains("422"))
        .filter(|line| !line.contains(&stage.google.base_url()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

async fn add_account(browser: &Chromium, url: &str, password: &str) {
    browser.type_into("#base_url", url).await;
    browser.type_into("#username", "alice").await;
    browser.type_into("#password", password).await;
    browser.click("main form button[type=submit]").await;
}

async fn arrive(stage: &Stage, titles: &[&str]) {
    wait_until("the events' arrival", async || {
        (stage.titles() == titles).then_some(())
    })
    .await;
}
