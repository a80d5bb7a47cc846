//! Exit codes and messages of a wrong configuration, the health check, the log.

use std::net::TcpListener;

use serde_json::Value;
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::{Reaction, Receiver};

use crate::common::{KEY, Program, Stage, event, said};

fn refused(environment: &[(&str, &str)], words: &[&str]) {
    let output = Program::run(&["serve"], environment);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(78), "{environment:?}: {said}");
    for word in words {
        assert!(
            said.contains(word),
            "{environment:?} does not say {word:?}: {said}"
        );
    }
}

#[test]
fn what_is_wrong_is_named_with_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "a key from a file\n").unwrap();
    let key = key.to_str().unwrap();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    refused(&[("DATA_DIR", missing)], &["DATA_DIR", "mkdir -p", missing]);
    refused(&[("DATA_DIR", key)], &["DATA_DIR", "not a folder"]);
    // Where not even root may write.
    refused(&[("DATA_DIR", "/proc")], &["DATA_DIR", "chown", "/proc"]);
    refused(
        &[("DATA_DIR", data), ("BIND", "8080")],
        &["BIND", "127.0.0.1:8080"],
    );
    refused(
        &[("DATA_DIR", data), ("API_KEY", KEY), ("API_KEY_FILE", key)],
        &["API_KEY and API_KEY_FILE"],
    );
    refused(
        &[("DATA_DIR", data), ("API_KEY", "zu-früh")],
        &["API_KEY", "ASCII", "openssl rand -base64 32"],
    );
    refused(
        &[
            ("DATA_DIR", data),
            ("BASE_URL", "example.org"),
            ("LOG_FORMAT", "pretty"),
        ],
        &["LOG_FORMAT", "text or json"],
    );
    refused(
        &[
            ("DATA_DIR", data),
            ("BASE_URL", "example.org"),
            ("WEBHOOK_SECRET", "x"),
        ],
        &["BASE_URL", "WEBHOOK_URL"],
    );
    refused(
        &[("DATA_DIR", data), ("RUST_LOG", "app=loud")],
        &["RUST_LOG"],
    );
    let wrong_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    refused(
        &[("DATA_DIR", data), ("SECRET_KEY", "short")],
        &["SECRET_KEY", "openssl rand"],
    );
    // Nothing was made so far.
    assert!(!folder.path().join("caldav_sync.db").exists());
    let first = Program::serve(folder.path(), &[].into());
    assert!(first.terminate().0.success());
    refused(
        &[("DATA_DIR", data), ("SECRET_KEY", wrong_key)],
        &["another key"],
    );
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    assert_eq!(Program::run(&["fly"], &[]).status.code(), Some(2));
    assert_eq!(
        Program::run(&["serve", "--fast"], &[]).status.code(),
        Some(2)
    );
    let help = Program::run(&["--help"], &[]);
    assert!(help.status.success() && said(&help).contains("healthcheck"));
}

#[test]
fn one_data_folder_is_one_programs() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Program::serve(folder.path(), &[].into());
    let data = folder.path().to_str().unwrap();
    let second = Program::run(&["serve"], &[("DATA_DIR", data), ("BIND", "127.0.0.1:0")]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        said(&second).contains("another process"),
        "{}",
        said(&second)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_knows_the_living_from_the_dead() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let bind = free.to_string();
    let healthy = || Program::run(&["healthcheck"], &[("BIND", &bind)]);
    assert_eq!(healthy().status.code(), Some(1));
    let environment = [
        ("BIND".to_owned(), bind.clone()),
        // The probes are at the root whatever the address of the pages is.
        (
            "BASE_URL".to_owned(),
            "https://calendars.example.org/sync".to_owned(),
        ),
    ];
    let program = Program::serve(folder.path(), &environment.into());
    let output = healthy();
    assert!(output.status.success(), "{}", said(&output));
    let (status, _) = program.terminate();
    assert!(status.success());
    assert_eq!(healthy().status.code(), Some(1));
}

#[test]
fn the_key_is_shown_once_and_log_lines_are_json() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("DATA_DIR".to_owned(), folder.path().display().to_string()),
        ("BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ("RUST_LOG".to_owned(), "error".to_owned()),
    ]
    .into();
    let listening = |line: &str| line.contains("Listening on ").then(String::new);
    let first = Program::start(&[], &environment, listening);
    let log = first.log();
    let shown = log.matches("caldav-sync_").count();
    assert_eq!(shown, 1, "{log}");
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let time: jiff::Timestamp = entry["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(
            entry["timestamp"].as_str().unwrap().ends_with('Z'),
            "{time}"
        );
    }
    assert!(first.terminate().0.success());
    let second = Program::start(&[], &environment, listening);
    assert!(!second.log().contains("caldav-sync_"), "{}", second.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_of_the_environment_is_told_of_runs() {
    let receiver = Receiver::start(Reaction::Answer(204, &[]));
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Team Meeting", 3));
    let stage = Stage::start_with(&[
        ("WEBHOOK_URL", &receiver.url),
        ("WEBHOOK_SECRET", "a secret"),
    ]);
    stage.set_up(source.url(), "work").await;
    let call = receiver.wait_for(1).remove(0);
    assert!(call.line.starts_with("POST /hook "), "{}", call.line);
    assert!(call.id().starts_with("msg_"), "{}", call.id());
    let stamp: i64 = call.header("webhook-timestamp").parse().unwrap();
    assert!(jiff::Timestamp::now().as_second() - stamp < 300);
    assert!(call.header("webhook-signature").starts_with("v1,"));
    let body = &call.body;
    assert_eq!(body["direction"], "CalDAV → Google", "{body:#}");
    assert_eq!(body["status"], "success", "{body:#}");
    assert_eq!(body["inserted"], 1, "{body:#}");
    assert_eq!(body["events"][0]["summary"], "Team Meeting", "{body:#}");
    assert_eq!(body["events"][0]["action"], "inserted", "{body:#}");
}
