//! The pages' forms, as a plain browser without scripts uses them.

use crate::harness::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_empty_site_to_events_by_forms_alone() {
    let site = Site::new().await;
    site.put_event("one", "Standup & <b>more</b>", 2);
    let cookie = site.browser().await;
    let empty = site.page(&cookie, "/ui/").await;
    assert!(
        empty.text.contains("href=\"/ui/caldav/new\""),
        "{}",
        empty.text
    );
    let url = site.caldav.url().to_owned();
    let fields = [
        ("base_url", url.as_str()),
        ("username", "alice"),
        ("password", "alicepw"),
    ];
    let added = site
        .submit(&cookie, "/ui/caldav/new", "/ui/caldav/new", &fields)
        .await;
    assert_eq!(added.status, 303, "{}", added.text);
    let list = site.page(&cookie, &added.location()).await;
    assert!(list.text.contains("The account was added."));
    assert!(list.text.contains("Home") && !list.text.contains("alicepw"));
    site.connect_google().await;

    let form = site.page(&cookie, "/ui/mappings/new").await;
    assert!(
        form.text.contains("<optgroup label=\"ada@example.com\">"),
        "{}",
        form.text
    );
    let caldav = site.calendar("caldav", "Work").await;
    let google = site.calendar("google", "Team").await;
    let fields = mapping_fields(&caldav, &google);
    let made = site
        .submit(&cookie, "/ui/mappings/new", "/ui/mappings/new", &fields)
        .await;
    assert_eq!(made.status, 303, "{}", made.text);
    let mapping = site.get("/mappings").await.json()["mappings"][0].clone();
    assert_eq!(mapping["window"]["future_days"], 60);
    assert_eq!(mapping["declined"], "skip");
    assert_eq!(mapping["conflict_policy"], "manual");
    assert_eq!(mapping["chain"], false);
    let id = mapping["id"].as_str().unwrap();
    let synced = site
        .submit(&cookie, "/ui/", &format!("/ui/mappings/{id}/sync"), &[])
        .await;
    assert_eq!(synced.location(), "/ui/?done=synced");
    let dashboard = site.page(&cookie, "/ui/?done=synced").await;
    assert!(
        dashboard.text.contains("<title>All in sync"),
        "{}",
        dashboard.text
    );
    assert_eq!(site.titles(), ["Standup & <b>more</b>"]);

    let runs = site.get("/runs").await.json();
    let with_event = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["inserted"] == 1)
        .unwrap();
    let path = format!("/ui/runs/{}", with_event["id"].as_str().unwrap());
    let run = site.page(&cookie, &path).await;
    assert!(
        run.text.contains("Standup &amp; &lt;b&gt;more&lt;/b&gt;"),
        "{}",
        run.text
    );

    for (action, on) in [("pause", false), ("resume", true)] {
        let path = format!("/ui/mappings/{id}/{action}");
        assert_eq!(site.submit(&cookie, "/ui/", &path, &[]).await.status, 303);
        let mapping = site.get(&format!("/mappings/{id}")).await.json();
        assert_eq!(mapping["enabled"], on);
    }
    let path = format!("/ui/mappings/{id}/delete");
    let asked = site.page(&cookie, &path).await;
    assert!(asked.text.contains("1 event"), "{}", asked.text);
    let gone = site
        .submit(&cookie, &path, &path, &[("mirrored", "remove")])
        .await;
    assert_eq!(gone.location(), "/ui/mappings?done=mapping-removed");
    assert!(site.titles().is_empty());
}

fn mapping_fields<'a>(caldav: &'a str, google: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("caldav_calendar_id", caldav),
        ("google_calendar_id", google),
        ("direction", "caldav_to_google"),
        ("conflict_policy", "manual"),
        ("past_days", "0"),
        ("future_days", "60"),
        ("privacy", "full"),
        ("title", "{title}"),
        ("private_events", "private"),
        ("declined", "skip"),
        ("on_target_edit", "restore"),
        ("reminders", "none"),
        ("invitations", "wait"),
        ("count", "10"),
        ("percent", "25"),
        ("enabled", "yes"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_not_accepted_keeps_what_was_typed() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    let url = site.caldav.url().to_owned();
    let fields = [
        ("base_url", url.as_str()),
        ("username", "alice"),
        ("password", "not-it"),
        ("name", "My \"server\""),
    ];
    let refused = site
        .submit(&cookie, "/ui/caldav/new", "/ui/caldav/new", &fields)
        .await;
    assert_eq!(refused.status, 422);
    let page = &refused.text;
    assert!(page.contains("<title>Error: "), "{page}");
    assert!(page.contains("role=\"alert\""));
    assert!(page.contains("value=\"alice\""));
    assert!(page.contains("value=\"My &quot;server&quot;\""));
    assert!(page.contains("What to do"));
    assert!(!page.contains("not-it"));

    let refused = site
        .submit(&cookie, "/ui/caldav/new", "/ui/caldav/new", &[])
        .await;
    assert_eq!(refused.status, 422);
    let page = &refused.text;
    assert!(page.contains("href=\"#base_url\""), "{page}");
    assert!(page.contains("id=\"base_url\""));
    assert!(page.contains("aria-invalid=\"true\""));
    assert!(page.contains("aria-describedby=\"base_url-error base_url-hint\""));

    let odd = site
        .submit(
            &cookie,
            "/ui/settings",
            "/ui/settings",
            &[("interval_seconds", "soon")],
        )
        .await;
    assert_eq!(odd.status, 422);
    assert!(odd.text.contains("href=\"#interval_seconds\"") && odd.text.contains("value=\"soon\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_lists_offer_the_next_step() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    for (path, next) in [
        ("/ui/caldav", "/ui/caldav/new"),
        ("/ui/google", "/oauth/start"),
        ("/ui/mappings", "/ui/mappings/new"),
        ("/ui/mappings/new", "/ui/caldav/new"),
        ("/ui/runs", "/ui/mappings/new"),
    ] {
        let page = site.page(&cookie, path).await;
        let link = format!("class=\"button primary\" href=\"{next}\"");
        assert_eq!(page.text.matches(&link).count(), 1, "{path}: {}", page.text);
        assert_eq!(page.text.matches("button primary").count(), 1, "{path}");
    }
}
