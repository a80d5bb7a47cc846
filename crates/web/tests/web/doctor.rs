//! "Check everything": who may make us ask servers how often, and what is passed on.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_share_one_look() {
    let site = Site::new().await;
    site.add_alice().await;
    let made = site.make_key("monitor", "read").await;
    let key = made["key"].as_str().unwrap();
    let ask = async || {
        let asked = site.bare(Method::GET, "/doctor").bearer_auth(key);
        let report = Answer::of(asked).await;
        assert_eq!(report.status, 200, "{}", report.text);
        report.json()
    };
    let first = ask().await;
    for report in join_all((0..5).map(|_| ask())).await {
        assert_eq!(report, first);
    }
    site.pass(jiff::SignedDuration::from_secs(6));
    let later = join_all((0..5).map(|_| ask())).await;
    assert_ne!(later[0]["at"], first["at"]);
    assert!(later.iter().all(|report| *report == later[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_passed_on_names_nobody() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let body = json!({ "id": mapping["id"], "name": "Ada and Alice" });
    assert_eq!(site.post("/mappings", body).await.status, 200);
    // The server's own words are about a user and a calendar.
    site.caldav
        .set_user(simulators::caldav::UserSpec::new("alice", "changed"));
    let declared = app::Declared {
        mappings: vec![app::DeclaredMapping {
            name: "Family plans".to_owned(),
            caldav: app::DeclaredCalendar {
                account: "Nextcloud of Eve".to_owned(),
                calendar: "Birthdays".to_owned(),
            },
            google: app::DeclaredCalendar {
                account: "eve@example.com".to_owned(),
                calendar: "Celebrations".to_owned(),
            },
            settings: app::records::MappingSettings::default(),
        }],
        ..app::Declared::default()
    };
    site.app.declare(declared).await.unwrap();
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/doctor").await;
    let (seen, passed_on) = page.text.split_once("<pre").unwrap();
    let (passed_on, _) = passed_on.split_once("</pre>").unwrap();
    assert!(seen.contains("Nextcloud of Eve"), "{seen}");
    for name in [
        "Ada and",
        "Alice",
        "alice",
        "ada@",
        "Family",
        "Nextcloud",
        "Eve",
        "eve@",
        "Birthdays",
        "Celebrations",
    ] {
        assert!(!passed_on.contains(name), "{name} is in {passed_on}");
    }
    assert!(
        passed_on.contains(mapping["id"].as_str().unwrap()),
        "{passed_on}"
    );
}
