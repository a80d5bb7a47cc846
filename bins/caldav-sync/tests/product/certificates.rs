//! Standard S16 with the whole product: the certificate that `config.yaml` trusts, and the machine's
//! own trust store.

use reqwest::Method;
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::{Identity, TlsFront};

use crate::common::{Stage, event, said, wait_until};
use crate::declared::write;

async fn source(identity: &Identity) -> (CaldavSim, TlsFront) {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Team Meeting", 3));
    let url: reqwest::Url = source.url().parse().unwrap();
    let front = TlsFront::start(url.socket_addrs(|| None).unwrap()[0], identity).await;
    (source, front)
}

fn file(url: &str, trusted: Option<&str>) -> String {
    let trusted = trusted.map(|it| format!("    trusted_fingerprint: {it}\n"));
    format!(
        "caldav_accounts:\n  - name: home\n    base_url: {url}\n    username: alice\n    \
         password: alicepw\n{}",
        trusted.unwrap_or_default()
    )
}

async fn account(stage: &Stage, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    wait_until(what, async || {
        let all = stage.api().get("/caldav/accounts").await;
        all["accounts"].get(0).cloned().filter(&is)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_file_trusts_one_certificate() {
    let (own, other) = (Identity::new(&["127.0.0.1"]), Identity::new(&["127.0.0.1"]));
    let (source, front) = source(&own).await;
    let stage = Stage::start();
    write(&stage, &file(&front.url(), None));
    account(&stage, "the account", |it| it["status"] == "unreachable").await;
    // Whoever looks finds what to write into the file.
    wait_until("the fingerprint on the page", async || {
        let page = stage.api().get("/ui/caldav").await;
        let page = page.as_str().unwrap();
        (page.contains(&own.fingerprint()) && page.contains("trusted_fingerprint")).then_some(())
    })
    .await;

    write(&stage, &file(&front.url(), Some("'AA:BB'")));
    let checked = stage.run(&["config", "check"]);
    assert!(!checked.status.success());
    let wrong = said(&checked);
    for word in [
        "caldav_accounts[0].trusted_fingerprint",
        "64 hex digits",
        "line 6",
    ] {
        assert!(wrong.contains(word), "no {word} in {wrong}");
    }
    write(&stage, &file(&front.url(), Some(&own.fingerprint())));
    let trusting = account(&stage, "the trust", |it| it["status"] == "ok").await;
    assert_eq!(trusting["trusted_fingerprint"], own.fingerprint());
    assert_eq!(trusting["managed"], true);
    stage.sign_in().await;
    let calendars = stage.api().get("/caldav/calendars").await;
    let mut mapped = trusting.clone();
    mapped["calendars"] = calendars["calendars"].clone();
    let mapping = stage.map(&mapped, "work", &json!({})).await;
    stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["Team Meeting"]);

    let doctor = said(&stage.run(&["doctor"]));
    assert!(
        doctor.contains("shows the certificate that you trusted"),
        "{doctor}"
    );
    front.show(&other);
    let doctor = stage.run(&["doctor"]);
    assert!(!doctor.status.success());
    let doctor = said(&doctor);
    for word in [
        "CHANGED",
        &own.fingerprint(),
        &other.fingerprint(),
        "trusted_fingerprint",
    ] {
        assert!(doctor.contains(word), "no {word} in {doctor}");
    }
    drop(source);
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_pinned_means_pinned_beside_the_machines_trust_store() {
    let (vouched, other) = (Identity::new(&["127.0.0.1"]), Identity::new(&["127.0.0.1"]));
    let folder = tempfile::TempDir::new().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, vouched.pem()).unwrap();
    let (source, front) = source(&vouched).await;
    let stage = Stage::start_with(&[("SSL_CERT_FILE", roots.to_str().unwrap())]);
    // An authority of one's own, named to the machine, needs no fingerprint.
    let account = stage.add_caldav(&front.url()).await;
    assert_eq!(account.get("trusted_fingerprint"), None, "{account:#}");
    let path = format!("/caldav/accounts/{}", account["id"].as_str().unwrap());
    let trust = async |what: Value| {
        let body = json!({ "trusted_fingerprint": what });
        stage.api().request(Method::PATCH, &path, Some(&body)).await
    };
    // Whoever names one certificate gets that one, whoever signed the other.
    let (status, changed) = trust(json!(other.fingerprint())).await;
    assert_eq!(status, 422, "{changed:#}");
    assert_eq!(changed["fingerprint"], vouched.fingerprint());
    let action = changed["action"].as_str().unwrap();
    assert!(
        action.contains("own check accepts the new certificate"),
        "{action}"
    );
    let (status, pinned) = trust(json!(vouched.fingerprint())).await;
    assert_eq!(status, 200, "{pinned:#}");
    front.show(&other);
    let (status, changed) = trust(json!(vouched.fingerprint())).await;
    assert_eq!(
        (status, &changed["fingerprint"]),
        (422, &json!(other.fingerprint()))
    );
    front.show(&vouched);
    let (status, free) = trust(Value::Null).await;
    assert_eq!(
        (status, free.get("trusted_fingerprint")),
        (200, None),
        "{free:#}"
    );
    drop(source);
}
