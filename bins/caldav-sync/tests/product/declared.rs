//! `config.yaml`: accounts, mappings and settings declared in a file, applied again and again.

use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};

use crate::common::{ACCOUNT, KEY, Program, Stage, event, wait_until};

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

pub(crate) fn write(stage: &Stage, text: &str) {
    // In one step, as a careful editor does.
    let (half, whole) = (stage.data().join("half"), stage.data().join("config.yaml"));
    std::fs::write(&half, text).unwrap();
    std::fs::rename(half, whole).unwrap();
}

/// A calendar server with one event, and a file that maps it to Google.
fn source() -> (CaldavSim, String) {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Team Meeting", 3));
    let file = format!("{}{}", account(source.url()), mapping("work", "Work", ""));
    (source, file)
}

fn account(url: &str) -> String {
    format!(
        "caldav_accounts:\n  - name: home\n    base_url: {url}\n    username: alice\n    \
         password: alicepw\n"
    )
}

fn mapping(name: &str, calendar: &str, more: &str) -> String {
    format!(
        "mappings:\n  - name: {name}\n    caldav: {{account: home, calendar: {calendar}}}\n    \
         google: {{account: {ACCOUNT}, calendar: Target}}\n{more}"
    )
}

/// A stage whose program starts with this file.
fn stage_with(file: &str) -> Stage {
    let mut stage = Stage::start();
    assert!(stage.down().terminate().0.success());
    write(&stage, file);
    stage.up();
    stage
}

async fn mappings(stage: &Stage) -> Vec<Value> {
    let all = stage.api().get("/mappings").await;
    all["mappings"].as_array().unwrap().clone()
}

async fn the_mapping(stage: &Stage, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    wait_until(what, async || {
        let all = mappings(stage).await;
        all.into_iter().find(|mapping| is(mapping))
    })
    .await
}

async fn waiting(stage: &Stage) -> Vec<Value> {
    let status = stage.api().get("/status").await;
    status["waiting"].as_array().unwrap().clone()
}

async fn page(stage: &Stage, path: &str) -> String {
    let (status, page) = stage.api().request(Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}");
    page.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_is_made_once_and_kept_over_restarts() {
    let (source, file) = source();
    let mut stage = stage_with(&file);
    // Nobody has signed in at Google yet.
    let waits = wait_until("the mapping waits for Google", async || {
        let waits = waiting(&stage).await;
        let found = waits
            .iter()
            .find(|one| one["code"] == "google_account_missing");
        found.cloned()
    })
    .await;
    assert_eq!(waits["name"], "work", "{waits}");
    assert_eq!(waits["kind"], "mapping", "{waits}");
    assert!(
        waits["detail"].as_str().unwrap().contains(ACCOUNT),
        "{waits}"
    );
    let listed = stage.api().get("/mappings").await;
    assert_eq!(listed["waiting"][0]["name"], "work", "{listed:#}");
    for path in ["/ui/", "/ui/mappings"] {
        let page = page(&stage, path).await;
        assert!(page.contains("is not connected yet"), "{path}: {page}");
    }
    assert!(stage.program().log().contains("is not connected yet"));

    stage.sign_in().await;
    let made = the_mapping(&stage, "the mapping", |_| true).await;
    assert_eq!(made["managed"], true, "{made:#}");
    assert_eq!(made["name"], "work", "{made:#}");
    wait_until("the event at Google", async || {
        (stage.titles() == ["Team Meeting"]).then_some(())
    })
    .await;
    assert_eq!(waiting(&stage).await, [] as [Value; 0]);
    let accounts = stage.api().get("/caldav/accounts").await;

    for _ in 0..2 {
        assert!(stage.down().terminate().0.success());
        stage.up();
        assert_eq!(mappings(&stage).await, std::slice::from_ref(&made));
        assert_eq!(stage.api().get("/caldav/accounts").await, accounts);
    }
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["accounts"][0]["managed"], true, "{accounts:#}");
    stage.api().sync_well(made["id"].as_str().unwrap()).await;
    assert_eq!(stage.titles(), ["Team Meeting"]);
    drop(source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_taken_over_and_a_wrong_one_is_not() {
    let (source, file) = source();
    let stage = stage_with(&file);
    stage.sign_in().await;
    let made = the_mapping(&stage, "the mapping", |_| true).await;

    // Changed: the same mapping with other settings.
    write(
        &stage,
        &format!("{file}    window: {{future_days: 60}}\nsettings: {{interval_seconds: 77}}\n"),
    );
    let wide = |mapping: &Value| mapping["window"]["future_days"] == 60;
    let changed = the_mapping(&stage, "the wider window", wide).await;
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(stage.api().get("/settings").await["interval_seconds"], 77);

    // Wrong: what was said before stays in force, and everybody is told why.
    write(&stage, &format!("{file}    windw: {{future_days: 90}}\n"));
    let error = wait_until("the error", async || {
        let status = stage.api().get("/status").await;
        status["configuration"]["error"]
            .as_str()
            .map(ToOwned::to_owned)
    })
    .await;
    for word in [
        "mappings[0].windw",
        "config.yaml, line 10",
        "Did you mean window?",
    ] {
        assert!(error.contains(word), "no {word} in {error}");
    }
    assert!(!error.contains("alicepw"), "{error}");
    assert!(stage.program().log().contains("Did you mean window?"));
    for path in ["/ui/", "/ui/settings"] {
        let page = page(&stage, path).await;
        assert!(page.contains("Did you mean window?"), "{path}: {page}");
    }
    assert_eq!(mappings(&stage).await, std::slice::from_ref(&changed));

    // Gone: off, and the pages' own.
    write(&stage, &account(source.url()));
    let off = the_mapping(&stage, "the end", |mapping| mapping["enabled"] == false).await;
    assert_eq!(off["id"], made["id"]);
    assert_eq!(off["managed"], false, "{off:#}");
    let status = stage.api().get("/status").await;
    assert_eq!(status["configuration"]["error"], Value::Null, "{status:#}");
    // The interval is what it was in the pages.
    assert_eq!(stage.api().get("/settings").await["interval_seconds"], 300);

    // Back: on again, the same one. And what needs a restart says so.
    write(&stage, &format!("{file}google_daily_writes: 9\n"));
    let on = the_mapping(&stage, "the return", |mapping| mapping["enabled"] == true).await;
    assert_eq!((&on["id"], &on["managed"]), (&made["id"], &json!(true)));
    let restart = wait_until("the notice", async || {
        let status = stage.api().get("/status").await;
        let keys = status["configuration"]["at_restart"].as_array()?.clone();
        (!keys.is_empty()).then_some(keys)
    })
    .await;
    assert_eq!(restart, [json!("google_daily_writes")]);
    assert!(stage.program().log().contains("from the next start on"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_manages_is_changed_in_the_file_only() {
    let (source, file) = source();
    let hook = "webhooks:\n  - {url: 'http://127.0.0.1:9/hook', secret: hush-hush}\n";
    let stage = stage_with(&format!("{file}settings: {{history_days: 30}}\n{hook}"));
    stage.sign_in().await;
    let made = the_mapping(&stage, "the mapping", |_| true).await;
    let id = made["id"].as_str().unwrap();
    let accounts = stage.api().get("/caldav/accounts").await;
    let account = accounts["accounts"][0]["id"].as_str().unwrap();
    let api = stage.api();
    let mapping_path = format!("/mappings/{id}");
    let account_path = format!("/caldav/accounts/{account}");
    for (method, path, body) in [
        (
            Method::POST,
            "/mappings",
            json!({"id": id, "enabled": false}),
        ),
        (Method::DELETE, mapping_path.as_str(), Value::Null),
        (
            Method::PATCH,
            account_path.as_str(),
            json!({"name": "other"}),
        ),
        (Method::DELETE, account_path.as_str(), Value::Null),
        (Method::PUT, "/settings", json!({"history_days": 31})),
    ] {
        let body = (!body.is_null()).then_some(&body);
        let (status, problem) = api.request(method.clone(), path, body).await;
        assert_eq!(status, 409, "{method} {path}: {problem:#}");
        assert_eq!(problem["code"], "managed", "{problem:#}");
        assert!(
            problem["action"].as_str().unwrap().contains("config.yaml"),
            "{problem:#}"
        );
    }
    assert_eq!(mappings(&stage).await, std::slice::from_ref(&made));
    // What is not declared is changed as ever.
    let settings = json!({"interval_seconds": 120, "history_days": 30});
    let (status, answer) = api.request(Method::PUT, "/settings", Some(&settings)).await;
    assert_eq!(status, 200, "{answer:#}");
    assert_eq!(answer["managed"], json!(["history_days"]), "{answer:#}");
    assert_eq!(answer["webhooks"][0]["managed"], true, "{answer:#}");
    assert!(!answer.to_string().contains("hush-hush"));
    for (path, absent) in [
        (
            "/ui/mappings".to_owned(),
            format!("/ui/mappings/{id}/pause"),
        ),
        (
            format!("/ui/mappings/{id}"),
            "name=\"conflict_policy\"".to_owned(),
        ),
        (
            format!("/ui/mappings/{id}/delete"),
            "name=\"mirrored\"".to_owned(),
        ),
        (
            "/ui/caldav".to_owned(),
            format!("/ui/caldav/{account}/delete"),
        ),
        (
            format!("/ui/caldav/{account}"),
            "name=\"password\"".to_owned(),
        ),
        (
            "/ui/settings".to_owned(),
            "name=\"history_days\"".to_owned(),
        ),
    ] {
        let page = page(&stage, &path).await;
        assert!(page.contains("Managed by config.yaml"), "{path}: {page}");
        assert!(!page.contains(&absent), "{path} has {absent}: {page}");
    }
    // Values from outside are shown with their origins, secrets are not.
    let settings = page(&stage, "/ui/settings").await;
    assert!(
        settings.contains("GOOGLE_API_URL") && settings.contains("environment"),
        "{settings}"
    );
    for secret in [KEY, "alicepw", "hush-hush"] {
        assert!(!settings.contains(secret), "{secret} is in {settings}");
    }
    drop(source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_keeps_nothing_from_starting() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let file = format!("{}{}", account(&address), mapping("work", "Work", ""));
    let stage = stage_with(&file);
    stage.sign_in().await;
    let waits = wait_until("the mapping waits for the server", async || {
        let waits = waiting(&stage).await;
        waits
            .into_iter()
            .find(|one| one["code"] == "caldav_unreachable")
    })
    .await;
    assert_eq!(waits["name"], "work", "{waits}");
    // The server is there after all, at another address and then at once.
    let (source, file) = source();
    write(&stage, &file);
    the_mapping(&stage, "the mapping", |_| true).await;
    let accounts = stage.api().get("/caldav/accounts").await;
    assert_eq!(
        accounts["accounts"].as_array().unwrap().len(),
        1,
        "{accounts:#}"
    );
    assert_eq!(accounts["accounts"][0]["status"], "ok", "{accounts:#}");
    drop(source);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_made_is_taken_over_by_the_file() {
    let (source, file) = source();
    let stage = Stage::start();
    let id = stage.set_up(source.url(), "work").await;
    let chosen = json!({"interval_seconds": 600});
    stage
        .api()
        .request(Method::PUT, "/settings", Some(&chosen))
        .await;
    write(
        &stage,
        &format!("{file}    enabled: false\nsettings: {{interval_seconds: 60}}\n"),
    );
    let taken = the_mapping(&stage, "the takeover", |mapping| mapping["managed"] == true).await;
    assert_eq!(taken["id"], id.as_str());
    assert_eq!(
        (&taken["name"], &taken["enabled"]),
        (&json!("work"), &json!(false))
    );
    assert_eq!(mappings(&stage).await.len(), 1);
    assert_eq!(stage.api().get("/settings").await["interval_seconds"], 60);
    // `config check` shows the same while the program runs.
    let data = stage.data().to_str().unwrap();
    let output = Program::run(
        &["config", "check"],
        &[("DATA_DIR", data), ("API_KEY", KEY)],
    );
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    for word in [
        "settings.interval_seconds",
        "config.yaml)",
        "(environment)",
        "mapping \"work\"",
    ] {
        assert!(told.contains(word), "no {word} in {told}");
    }
    for secret in [KEY, "alicepw"] {
        assert!(!told.contains(secret), "{told}");
    }
    write(
        &stage,
        &file.replace("mappings:", "settings: {}\nmappings:"),
    );
    wait_until("the pages' interval", async || {
        let settings = stage.api().get("/settings").await;
        (settings["interval_seconds"] == 600).then_some(())
    })
    .await;
    let output = Program::run(&["config", "check"], &[("DATA_DIR", data)]);
    assert!(
        said(&output).contains("(pages or API)"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_wrong_file_refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(
        &file,
        "bind: 127.0.0.1:0\ncaldav_account: []\nlocal_acess: on\n",
    )
    .unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let output = Program::run(command, &[("DATA_DIR", data)]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for word in [
            "caldav_account (",
            "config.yaml, line 2)",
            "Did you mean caldav_accounts?",
            "Did you mean local_access?",
        ] {
            assert!(said.contains(word), "no {word} in {said}");
        }
    }
    assert!(!folder.path().join("caldav_sync.db").exists());
    std::fs::remove_file(&file).unwrap();
    let named = |path: &Path| {
        let arguments = ["config", "check", "--config", path.to_str().unwrap()];
        Program::run(&arguments, &[("BIND", "127.0.0.1:7")])
    };
    let missing = named(&file);
    assert_eq!(missing.status.code(), Some(78), "{}", said(&missing));
    assert!(
        said(&missing).contains("no such file"),
        "{}",
        said(&missing)
    );
    let elsewhere = folder.path().join("elsewhere.yaml");
    std::fs::write(&elsewhere, format!("data_dir: {data}\nbind: 127.0.0.1:8\n")).unwrap();
    let right = named(&elsewhere);
    assert!(right.status.success(), "{}", said(&right));
    let told = said(&right);
    assert!(
        told.contains("127.0.0.1:7") && told.contains("elsewhere.yaml, line 1)"),
        "{told}"
    );
}
