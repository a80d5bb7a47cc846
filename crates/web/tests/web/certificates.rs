//! Standard S16: a CalDAV server whose certificate nobody vouches for, over the API and in the pages.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Identity, TlsFront};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Answer, Site};

/// The site, and TLS in front of its CalDAV server.
async fn site(identity: &Identity) -> (Site, TlsFront) {
    let site = Site::new().await;
    let target: SocketAddr = {
        let url: url::Url = site.caldav.url().parse().unwrap();
        url.socket_addrs(|| None).unwrap()[0]
    };
    let front = TlsFront::start(target, identity).await;
    (site, front)
}

fn identity() -> Identity {
    Identity::new(&["127.0.0.1"])
}

fn account(url: &str, trusted: &Value) -> Value {
    json!({
        "base_url": url, "username": "alice", "password": "alicepw", "trusted_fingerprint": trusted,
    })
}

/// The account's one certificate trouble: which one was shown, which one was trusted.
#[track_caller]
fn refused(answer: &Answer, shown: &Identity, trusted: Option<&Identity>) {
    let problem = answer.problem(422, "caldav_unreachable");
    assert_eq!(problem["fingerprint"], shown.fingerprint());
    let trusted = trusted.map(Identity::fingerprint);
    assert_eq!(
        problem.get("trusted_fingerprint"),
        trusted.clone().map(Value::from).as_ref()
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&shown.fingerprint()), "{detail}");
    assert_eq!(detail.contains("CHANGED"), trusted.is_some(), "{detail}");
    if let Some(trusted) = trusted {
        assert!(detail.contains(&trusted), "{detail}");
    }
    let action = problem["action"].as_str().unwrap();
    assert!(action.contains("trusted_fingerprint"), "{action}");
    assert!(!answer.text.contains("alicepw"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s16_over_the_api_exactly_one_certificate_is_trusted() {
    let (own, other) = (identity(), identity());
    let (site, front) = site(&own).await;
    let add = async |trusted: Value| {
        let body = account(&front.url(), &trusted);
        site.post("/caldav/accounts", body).await
    };
    refused(&add(Value::Null).await, &own, None);
    refused(&add(json!("")).await, &own, None);
    refused(&add(json!(other.fingerprint())).await, &own, Some(&other));
    for wrong in ["AA:BB", &"F".repeat(40), "nonsense"] {
        let problem = add(json!(wrong)).await.problem(422, "invalid");
        assert_eq!(
            problem["errors"][0]["field"], "trusted_fingerprint",
            "{problem}"
        );
    }
    // Without TLS there is no certificate.
    let plain = account(site.caldav.url(), &json!(own.fingerprint()));
    let problem = site.post("/caldav/accounts", plain).await;
    let problem = problem.problem(422, "invalid");
    assert_eq!(
        problem["errors"][0]["field"], "trusted_fingerprint",
        "{problem}"
    );
    let stored = site.get("/caldav/accounts").await.json();
    assert_eq!(stored, json!({"accounts": []}));

    let typed = own.fingerprint().replace(':', "").to_lowercase();
    let added = add(json!(typed)).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let added = added.json();
    assert_eq!(added["trusted_fingerprint"], own.fingerprint());
    assert_eq!(added["calendars"].as_array().unwrap().len(), 2);
    assert_eq!(
        site.get("/caldav/accounts").await.json()["accounts"][0],
        added
    );

    // It is the account's: another one at the same server trusts nobody.
    let mut bob = account(&front.url(), &Value::Null);
    bob["username"] = json!("bob");
    refused(&site.post("/caldav/accounts", bob).await, &own, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s16_a_changed_certificate_stops_runs_until_it_is_trusted() {
    let (own, other) = (identity(), identity());
    let (site, front) = site(&own).await;
    let body = account(&front.url(), &json!(own.fingerprint()));
    let added = site.post("/caldav/accounts", body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let added = added.json();
    site.connect_google().await;
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Work").await,
        "google_calendar_id": site.calendar("google", "Team").await,
    });
    let mapping = site.post("/mappings", body).await.json();
    site.put_event("one", "Breakfast", 2);
    let run = site.sync(&mapping).await;
    assert_eq!(
        (&run["status"], &run["inserted"]),
        (&json!("success"), &json!(1)),
        "{run:#}"
    );

    front.show(&other);
    site.put_event("two", "Lunch", 2);
    let run = site.sync(&mapping).await;
    assert_eq!(run["status"], "failure", "{run:#}");
    let said = run["error"]["detail"].as_str().unwrap();
    for named in [own.fingerprint(), other.fingerprint(), "CHANGED".to_owned()] {
        assert!(said.contains(&named), "{said}");
    }
    let id = added["id"].as_str().unwrap();
    let fresh = format!("/caldav/calendars?account_id={id}");
    refused(&site.get(&fresh).await, &other, Some(&own));
    let accounts = site.get("/caldav/accounts").await.json();
    assert_eq!(
        accounts["accounts"][0]["status"], "unreachable",
        "{accounts:#}"
    );

    let path = format!("/caldav/accounts/{id}");
    let patch = |body: Value| Answer::of(site.keyed(Method::PATCH, &path).json(&body));
    // What is left out stays; what is null is forgotten, and then nobody vouches for it.
    refused(&patch(json!({"name": "Mine"})).await, &other, Some(&own));
    refused(
        &patch(json!({"trusted_fingerprint": null})).await,
        &other,
        None,
    );
    let replaced = patch(json!({"trusted_fingerprint": other.fingerprint()})).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    assert_eq!(replaced.json()["trusted_fingerprint"], other.fingerprint());
    let run = site.sync(&mapping).await;
    assert_eq!(
        (&run["status"], &run["inserted"]),
        (&json!("success"), &json!(1)),
        "{run:#}"
    );
    assert_eq!(site.titles(), ["Breakfast", "Lunch"]);

    // Another address: what was trusted was for that one.
    let plain = json!({"base_url": site.caldav.url(), "password": "alicepw"});
    let moved = patch(plain).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    assert_eq!(moved.json().get("trusted_fingerprint"), None);
    let back = json!({"base_url": front.url(), "password": "alicepw"});
    refused(&patch(back).await, &other, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s16_in_the_pages_a_certificate_is_shown_and_trusted() {
    let (own, other) = (identity(), identity());
    let (site, front) = site(&own).await;
    let cookie = site.browser().await;
    let new = "/ui/caldav/new";
    let empty = site.page(&cookie, new).await;
    assert!(
        !empty.text.contains("trusted_fingerprint"),
        "nothing to choose yet"
    );
    let url = front.url();
    let typed = [
        ("base_url", url.as_str()),
        ("username", "alice"),
        ("password", "alicepw"),
    ];
    let offered = site.submit(&cookie, new, new, &typed).await;
    assert_eq!(offered.status, 422, "{}", offered.text);
    let chosen = |answer: &Answer, fingerprint: &str| {
        let radio = format!("name=\"trusted_fingerprint\" type=\"radio\" value=\"{fingerprint}\"");
        let (_, after) = answer.text.split_once(&radio)?;
        Some(after.split('>').next().unwrap().contains("checked"))
    };
    // Offered, and not chosen by itself.
    assert_eq!(
        chosen(&offered, &own.fingerprint()),
        Some(false),
        "{}",
        offered.text
    );
    assert_eq!(chosen(&offered, ""), Some(true), "{}", offered.text);
    assert!(!offered.text.contains("alicepw"));

    let fingerprint = own.fingerprint();
    let trusting = [typed.as_slice(), &[("trusted_fingerprint", &fingerprint)]].concat();
    // As every form, not without its token.
    let forged = site
        .bare(Method::POST, new)
        .header("cookie", &cookie)
        .form(&trusting);
    assert_eq!(Answer::of(forged).await.status, 403);
    let added = site.submit(&cookie, new, new, &trusting).await;
    assert_eq!(added.status, 303, "{}", added.text);
    let list = site.page(&cookie, "/ui/caldav").await;
    assert!(list.text.contains(&fingerprint), "{}", list.text);

    front.show(&other);
    let accounts = site.get("/caldav/accounts").await.json();
    let id = accounts["accounts"][0]["id"].as_str().unwrap().to_owned();
    let edit = format!("/ui/caldav/{id}");
    let refresh = format!("{edit}/refresh");
    let changed = site.submit(&cookie, "/ui/caldav", &refresh, &[]).await;
    assert_eq!(changed.status, 422, "{}", changed.text);
    assert!(changed.text.contains("CHANGED"), "{}", changed.text);
    assert_eq!(chosen(&changed, &own.fingerprint()), Some(true));
    assert_eq!(chosen(&changed, &other.fingerprint()), Some(false));

    // As the form has it.
    let url = accounts["accounts"][0]["base_url"].as_str().unwrap();
    // Replaced, without typing anything again.
    let replacing = other.fingerprint();
    let fields = [
        ("base_url", url),
        ("username", "alice"),
        ("name", "Mine"),
        ("trusted_fingerprint", &replacing),
    ];
    let replaced = site.submit(&cookie, &edit, &edit, &fields).await;
    assert_eq!(replaced.status, 303, "{}", replaced.text);
    let form = site.page(&cookie, &edit).await;
    assert_eq!(chosen(&form, &other.fingerprint()), Some(true));
    assert_eq!(chosen(&form, &own.fingerprint()), None);

    // Forgotten: tested before it is saved, and nobody vouches for it.
    let forgetting = [fields[0], fields[1], ("trusted_fingerprint", "")];
    let refused = site.submit(&cookie, &edit, &edit, &forgetting).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(chosen(&refused, ""), Some(true));
    assert_eq!(chosen(&refused, &other.fingerprint()), Some(false));
    let accounts = site.get("/caldav/accounts").await.json();
    assert_eq!(
        accounts["accounts"][0]["trusted_fingerprint"],
        other.fingerprint()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s16_a_certificate_behind_a_redirect_is_not_offered() {
    let own = identity();
    let (site, front) = site(&own).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let typed = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        front.url()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    // It would be trusted for the address that was typed, where there is none.
    let added = site
        .post("/caldav/accounts", account(&typed, &Value::Null))
        .await;
    let problem = added.problem(422, "caldav_unreachable");
    assert_eq!(problem.get("fingerprint"), None, "{problem}");
    let action = problem["action"].as_str().unwrap();
    assert!(action.contains(&front.url()), "{action}");
    let cookie = site.browser().await;
    let new = "/ui/caldav/new";
    let fields = [
        ("base_url", typed.as_str()),
        ("username", "alice"),
        ("password", "alicepw"),
    ];
    let page = site.submit(&cookie, new, new, &fields).await;
    assert_eq!(page.status, 422, "{}", page.text);
    assert!(
        !page.text.contains("name=\"trusted_fingerprint\""),
        "{}",
        page.text
    );
    assert!(page.text.contains(&front.url()), "{}", page.text);
}
