//! The same way as a person goes it: a real browser, plain forms, a real calendar server.
//!
//! In the first flow no key is typed: the browser is on the same computer, and the program is told of
//! nobody else. In the last one it asks for the key.

use testkit::{Chromium, Radicale};

use crate::common::{KEY, Stage, event, series, wait_until};

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

    browser.goto(&format!("{ui}/google")).await;
    connect_google(&browser, &stage, &ui).await;

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
    // A busy machine sends the form after the click has returned: only its answer says that it came.
    browser.click("form[action$='/pause'] button").await;
    browser.wait_for("[role=status]").await;
    browser.goto(&format!("{ui}/mappings")).await;
    browser.wait_for("form[action$='/resume'] button").await;
    dav.put(&format!("{path}three.ics"), &event("three", "Three", 8))
        .await;
    browser.goto(&format!("{ui}/")).await;
    browser.click("form[action$='/ui/sync'] button").await;
    browser.wait_for("[role=status]").await;
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
    nothing_wrong(&browser, &stage).await;
}

/// Nothing broke the content policy, and nothing was missing.
async fn nothing_wrong(browser: &Chromium, stage: &Stage) {
    let said = browser.console().await;
    let wrong: Vec<&String> = said
        .iter()
        // A refused form is a 422, and browsers note those; the consent page is not ours.
        .filter(|line| line.starts_with("SEVERE") && !line.contains("422"))
        .filter(|line| !line.contains(&stage.google.base_url()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// To Google's consent page and back to our own.
async fn connect_google(browser: &Chromium, stage: &Stage, ui: &str) {
    browser.click("a[href$='/oauth/start']").await;
    browser.wait_for("#allow").await;
    assert!(browser.url().await.starts_with(&stage.google.base_url()));
    browser.click("#allow").await;
    browser.wait_for("ul.calendars").await;
    assert!(
        browser.url().await.starts_with(ui),
        "{}",
        browser.url().await
    );
    assert!(browser.text("ul.calendars").await.contains("Target"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_at_another_name_of_this_computer_google_leads_back_to_base_url() {
    let stage = Stage::start();
    let ui = format!("{}/ui", stage.program().url);
    let browser = Chromium::start().await;
    browser
        .goto(&format!(
            "http://127.0.0.1:{}/ui/google",
            stage.program().port()
        ))
        .await;
    connect_google(&browser, &stage, &ui).await;
    nothing_wrong(&browser, &stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_key_a_browser_signs_in_connects_google_and_signs_out() {
    let stage = Stage::start_with(&[("LOCAL_ACCESS", "off")]);
    let ui = format!("{}/ui", stage.program().url);
    let browser = Chromium::start().await;
    let submit = "main form button[type=submit]";

    browser.goto(&format!("{ui}/google")).await;
    assert_eq!(
        browser.url().await,
        format!("{ui}/sign-in?next=%2Fui%2Fgoogle")
    );
    browser.type_into("#key", "not-the-key").await;
    browser.click(submit).await;
    browser.wait_for("[role=alert]").await;
    browser.type_into("#key", KEY).await;
    browser.click(submit).await;
    // The click may be over before the answer is there.
    browser.wait_for("form[action$='/ui/sign-out']").await;
    assert_eq!(browser.url().await, format!("{ui}/google"));
    // The way back is cross-site, and the session comes along all the same.
    connect_google(&browser, &stage, &ui).await;

    browser.goto(&format!("{ui}/settings/access")).await;
    assert!(browser.text("main").await.contains("this browser"));
    browser.type_into("#name", "home automation").await;
    browser.click("#scope-sync").await;
    browser
        .click("form[action$='/settings/access/keys'] button")
        .await;
    browser.wait_for(".copy code").await;
    assert!(browser.text(".copy code").await.starts_with("caldav-sync_"));

    browser.click("form[action$='/ui/sign-out'] button").await;
    browser.wait_for("#key").await;
    browser.goto(&format!("{ui}/")).await;
    assert_eq!(browser.url().await, format!("{ui}/sign-in"));
    nothing_wrong(&browser, &stage).await;
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
