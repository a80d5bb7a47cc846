//! `doctor`, its page and its route: what is fine, what is not, and what never shows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::Value;
use simulators::caldav::{CaldavSim, CaldavSimConfig, CalendarSpec};
use simulators::google::DEFAULT_CLIENT_SECRET;

use super::ended;
use crate::common::{KEY, Program, Stage, event, said};

/// Findings of an area, each as its status.
fn of<'a>(report: &'a Value, area: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let checks = checks.filter(|check| check["area"] == area);
    checks
        .map(|check| check["status"].as_str().unwrap())
        .collect()
}

fn report(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_it_says_so_three_ways() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Breakfast", 3));
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let written = (source.writes(), stage.google.counts().writes_total());

    let text = ended(&stage.run(&["doctor"]), 0);
    for area in [
        "configuration",
        "data",
        "database",
        "key",
        "clock",
        "tls",
        "google",
        "caldav",
        "mapping",
    ] {
        assert!(
            text.contains(&format!("ok    {area}")),
            "no {area} in\n{text}"
        );
    }
    assert!(text.contains("A server has it open"), "{text}");
    let json = stage.run(&["doctor", "--json"]);
    ended(&json, 0);
    let from_command = report(&json);
    let from_api = stage.api().get("/doctor").await;
    for check in from_command["checks"].as_array().unwrap() {
        // Where this runs in a container, its folder is no volume, and that is said.
        let volume = check["detail"].as_str().unwrap().contains("not a volume");
        assert!(check["status"] == "ok" || volume, "{from_command:#}");
    }
    assert_eq!(from_api["status"], "ok", "{from_api:#}");
    for area in ["clock", "tls", "google", "caldav", "mapping", "key"] {
        assert_eq!(of(&from_api, area), of(&from_command, area), "{area}");
    }
    let page = stage.api().get("/ui/doctor").await;
    let page = page.as_str().unwrap();
    assert!(page.contains("Everything works"), "{page}");

    // Whoever looks writes nothing, anywhere.
    assert_eq!(
        (source.writes(), stage.google.counts().writes_total()),
        written
    );
    stage.api().sync_well(&mapping).await;
    let key = std::fs::read_to_string(stage.data().join("secret.key")).unwrap();
    let told = format!("{text}{from_command}{from_api}{page}");
    for secret in [
        KEY,
        "alicepw",
        DEFAULT_CLIENT_SECRET,
        key.trim(),
        "ya29.",
        "1//0",
    ] {
        assert!(!told.contains(secret), "{secret} is shown");
    }
    // What is to be passed on names nobody.
    let (_, passed_on) = page.split_once("To pass on").unwrap();
    assert!(!passed_on.contains("ada@example.com"), "{passed_on}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_is_named_with_what_to_do() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.create_calendar("alice", CalendarSpec::new("home", "Home"));
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    assert!(source.remove_calendar("alice", "work"));
    let gone = report(&stage.run(&["doctor", "--json"]));
    assert_eq!(of(&gone, "caldav"), ["ok"], "{gone:#}");
    assert_eq!(of(&gone, "mapping"), ["fail"], "{gone:#}");
    drop(source);
    stage.google.revoke("ada@example.com");
    let dead = stage.run(&["doctor", "--json"]);
    ended(&dead, 1);
    let dead = report(&dead);
    for area in ["network", "caldav", "google"] {
        assert!(of(&dead, area).contains(&"fail"), "{area} in {dead:#}");
    }
    for check in dead["checks"].as_array().unwrap() {
        let fine = check["status"] == "ok";
        assert_eq!(
            check["action"].as_str().unwrap().is_empty(),
            fine,
            "{check:#}"
        );
    }
    // Nothing of it went on record: that is a run's business.
    let status = stage.api().get("/status").await;
    assert_eq!(
        status["caldav"]["accounts"][0]["status"], "ok",
        "{status:#}"
    );

    assert!(stage.down().terminate().0.success());
    let stopped = report(&stage.run(&["doctor", "--json"]));
    assert!(of(&stopped, "database").contains(&"warn"), "{stopped:#}");
    std::fs::write(
        stage.data().join("secret.key"),
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
    )
    .unwrap();
    let wrong = stage.run(&["doctor", "--json"]);
    ended(&wrong, 1);
    assert_eq!(of(&report(&wrong), "key"), ["fail"]);
}

#[test]
fn a_clock_that_is_wrong_is_noticed_and_a_wrong_configuration_too() {
    let address = an_hour_behind();
    let token = format!("{address}/token");
    let api = format!("{address}/calendar/v3");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let environment = [
        ("DATA_DIR", data),
        ("GOOGLE_TOKEN_URI", token.as_str()),
        ("GOOGLE_API_URL", api.as_str()),
    ];
    let looked = Program::run(&["doctor", "--json"], &environment);
    ended(&looked, 0);
    let found = report(&looked);
    assert_eq!(of(&found, "clock"), ["warn"], "{found:#}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let wrong = [("DATA_DIR", data), ("BIND", "8080")];
    let wrong = Program::run(&["doctor", "--json"], &wrong);
    assert_eq!(wrong.status.code(), Some(78), "{}", said(&wrong));
    assert_eq!(of(&report(&wrong), "configuration"), ["fail"]);
    let missing = [("DATA_DIR", "/nowhere/at/all")];
    ended(&Program::run(&["doctor"], &missing), 1);
}

/// A server whose clock is an hour behind; its address.
fn an_hour_behind() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok() && !head.ends_with("\r\n\r\n") {}
            let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
            let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT");
            let answer = format!(
                "HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            reader.get_mut().write_all(answer.as_bytes()).ok();
        }
    });
    address
}
