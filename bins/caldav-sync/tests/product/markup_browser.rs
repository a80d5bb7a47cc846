//! What other people write is text, wherever it is shown: in a real browser no element comes of it,
//! on any page, in any field. (An invitation is enough to write into somebody's calendar.)

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig, CalendarSpec};
use simulators::google::{AccountConfig, CalendarConfig};
use testkit::Chromium;

use crate::common::{ACCOUNT, Stage, TARGET, event, wait_until};

/// Everything at once: elements, attributes, an address that is a script, ends of lines, entities,
/// and letters that turn the direction of writing.
const MARKUP: &str = "<img src=x onerror=\"pwned=1\"><script>pwned=1</script>\
    <svg onload=pwned=1><a href=\"javascript:pwned=1\">x</a><iframe srcdoc=\"<p>\"></iframe>\
    '\"> onmouseover=pwned=1 </title></textarea></style><base href=//evil.example/>\
    &lt;b&gt; {{7*7}} \u{202e}live\u{2066} javascript:pwned=1";

/// Elements and attributes that our pages never have, as sentences; empty where all is well.
const LOOK: &str = r#"
const found = [];
if (window.pwned !== undefined) found.push('a script ran');
for (const e of document.querySelectorAll('*')) {
  const name = e.tagName.toLowerCase();
  if (['script','img','iframe','object','embed','base','video','audio','math','marquee','style'].includes(name))
    found.push('an element: ' + e.outerHTML.slice(0, 200));
  if (name === 'svg' && !e.closest('.swatch') && !e.closest('header'))
    found.push('a picture: ' + e.outerHTML.slice(0, 200));
  for (const a of e.attributes) {
    if (a.name.startsWith('on') || ['srcdoc','style','srcset'].includes(a.name))
      found.push('an attribute: ' + a.name + '=' + a.value.slice(0, 80));
    if (['href','src','action','formaction','data'].includes(a.name)) {
      const url = new URL(a.value, location.href);
      if (!['http:','https:'].includes(url.protocol)) found.push('a link: ' + a.value.slice(0, 80));
    }
  }
}
return [found, (document.body.textContent + Array.from(document.querySelectorAll('input,option')).map(e => e.value + e.label).join()).includes('onerror="pwned=1"')];
"#;

fn hostile(uid: &str, hours: i64) -> String {
    let text = MARKUP
        .replace('\\', "\\\\")
        .replace(';', "\\;")
        .replace(',', "\\,");
    let lines = format!(
        "DESCRIPTION:{text}\\n{text}\r\nLOCATION:{text}\r\nURL:javascript:pwned=1\r\nCATEGORIES:{text}\r\n\
         X-EVIL;X=\"<b>\":{text}\r\nEND:VEVENT"
    );
    event(uid, &format!("{text}\\nsecond line"), hours)
        .replace(
            &format!("UID:{uid}"),
            &format!("UID:{uid}\"><img src=x onerror=\"pwned=1\">"),
        )
        .replace("END:VEVENT", &lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_element_comes_of_what_others_wrote() {
    let mut config = CaldavSimConfig::default();
    let evil = CalendarSpec::new("evil", MARKUP).color("\"><script>pwned=1</script>");
    config.calendars.push(("alice".to_owned(), evil));
    let source = CaldavSim::start(config).unwrap();
    for n in 0..14 {
        source.put(
            "alice",
            "evil",
            &format!("e{n}.ics"),
            &hostile(&format!("e{n}"), 30 + n),
        );
    }
    let bad = "<img src=x onerror=pwned=1>.ics";
    source.put(
        "alice",
        "evil",
        bad,
        "BEGIN:VCALENDAR\r\n<script>pwned=1</script>",
    );
    let account = AccountConfig::new(ACCOUNT).calendar(CalendarConfig::new(TARGET, MARKUP));
    let stage = Stage::start_as(account, &[]);
    let api = stage.api();
    let body = json!({
        "name": MARKUP.chars().take(200).collect::<String>(), "base_url": source.url(), "username": "alice", "password": "alicepw",
    });
    let account = api.post_for(201, "/caldav/accounts", &body).await;
    stage.sign_in().await;
    let found = |list: &Value, name: &str| -> Value {
        let mut list = list["calendars"].as_array().unwrap().iter();
        list.find(|c| c["name"].as_str().unwrap().contains(name))
            .unwrap()["id"]
            .clone()
    };
    let google = api.get("/google/calendars").await;
    let settings = json!({
        "caldav_calendar_id": found(&account, "onerror"),
        "google_calendar_id": found(&google, "onerror"),
        "direction": "bidirectional", "conflict_policy": "manual",
    });
    let mapping = api.post_for(201, "/mappings", &settings).await;
    let mapping = mapping["id"].as_str().unwrap().to_owned();
    api.sync(&mapping).await;
    api.sync(&mapping).await;
    assert_eq!(stage.titles().len(), 14);

    // A conflict: both sides change the same title.
    let person = stage.google.as_user(ACCOUNT);
    let at_google = stage.events();
    let one = at_google
        .iter()
        .find(|e| e["location"].as_str().is_some())
        .unwrap();
    let uid = one["id"].as_str().unwrap();
    person
        .patch(
            TARGET,
            uid,
            json!({ "summary": format!("Google {MARKUP}") }),
        )
        .unwrap();
    for object in source.objects("alice", "evil") {
        let text = object.ics.replace("SUMMARY:<img", "SUMMARY:CalDAV <img");
        source.put("alice", "evil", &object.name, &text);
    }
    let run = api.sync(&mapping).await;
    assert_eq!(run["conflicts"], 1, "{run:#}");
    let contested = run["id"].as_str().unwrap().to_owned();
    api.sync(&mapping).await;
    // And most of them go: that is held back.
    for n in 0..14 {
        source.delete("alice", "evil", &format!("e{n}.ics"));
    }
    source.put("alice", "evil", "new.ics", &hostile("new", 60));
    let run = wait_until("the guard", async || {
        let run = api.sync(&mapping).await;
        (run["held"].as_u64() > Some(0)).then_some(run)
    })
    .await;
    source.put("alice", "evil", "newer.ics", &hostile("newer", 61));

    let ui = format!("{}/ui", stage.program().url);
    let browser = Chromium::start().await;
    let account = account["id"].as_str().unwrap();
    let google = api.get("/google/accounts").await;
    let google = google["accounts"][0]["id"].as_str().unwrap().to_owned();
    let run = run["id"].as_str().unwrap();
    // With whether the markup must be on it, as text: a page without it proves nothing.
    let pages = [
        (format!("{ui}/"), true),
        (format!("{ui}/caldav"), true),
        (format!("{ui}/caldav/{account}"), true),
        (format!("{ui}/caldav/{account}/delete"), true),
        (format!("{ui}/google"), true),
        (format!("{ui}/google/{google}/delete"), false),
        (format!("{ui}/mappings"), true),
        (format!("{ui}/mappings/new"), true),
        (format!("{ui}/mappings/{mapping}"), true),
        (format!("{ui}/mappings/{mapping}/preview"), true),
        (format!("{ui}/mappings/{mapping}/attention"), true),
        (format!("{ui}/mappings/{mapping}/delete"), true),
        (format!("{ui}/mappings/{mapping}/cleanup"), true),
        (format!("{ui}/runs"), true),
        (format!("{ui}/runs/{run}"), true),
        (format!("{ui}/runs/{contested}"), true),
        (format!("{ui}/runs/{contested}/undo"), true),
        (format!("{ui}/conflicts"), true),
        (format!("{ui}/held"), true),
        (format!("{ui}/settings"), false),
        (
            format!("{ui}/runs?mapping=%22%3E%3Cimg%20src=x%20onerror=%22pwned=1%22%3E"),
            false,
        ),
        (
            format!("{ui}/%22%3E%3Cimg%20src=x%20onerror=%22pwned=1%22%3E"),
            false,
        ),
        (
            format!(
                "{}/oauth/callback?error=%3Cimg%20src=x%20onerror=pwned=1%3E",
                stage.program().url
            ),
            false,
        ),
    ];
    let mut missing = Vec::new();
    for (page, must) in &pages {
        browser.goto(page).await;
        let seen = browser.execute(LOOK, &[]).await;
        assert_eq!(seen[0], json!([]), "{page}: {}", browser.source().await);
        if *must && seen[1] != json!(true) {
            missing.push(page.clone());
        }
    }
    let said = browser.console().await;
    let broken: Vec<&String> = said
        .iter()
        .filter(|line| line.contains("Content Security Policy"))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert!(missing.is_empty(), "the text is not on {missing:#?}");
}
