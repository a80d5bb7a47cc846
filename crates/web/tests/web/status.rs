//! `GET /status`, member by member.

use serde_json::{Value, json};

use crate::harness::{Site, members};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_goes_from_setup_to_ok() {
    let site = Site::new().await;
    let empty = site.get("/status").await.json();
    assert_eq!(
        members(&empty),
        [
            "caldav",
            "configuration",
            "google",
            "mappings",
            "quota",
            "scheduler",
            "status",
            "version",
            "waiting"
        ]
    );
    assert_eq!(empty["status"], "setup");
    assert_eq!(empty["version"], "0.0.0-test");
    assert_eq!(empty["mappings"], json!([]));

    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let status = site.get("/status").await.json();
    assert_eq!(status["status"], "ok", "{status}");
    assert_eq!(
        members(&status["google"]["accounts"][0]),
        ["email", "id", "status"]
    );
    assert_eq!(
        members(&status["caldav"]["accounts"][0]),
        ["id", "managed", "name", "status"]
    );
    assert_eq!(
        members(&status["scheduler"]),
        ["interval_seconds", "next_run", "running"]
    );
    assert_eq!(status["scheduler"]["interval_seconds"], 300);
    assert_eq!(
        members(&status["quota"][0]),
        [
            "daily_limit",
            "google_account_id",
            "resets_at",
            "writes_today"
        ]
    );
    let known = &status["mappings"][0];
    assert_eq!(
        members(known),
        [
            "awaits_confirmation",
            "enabled",
            "id",
            "last_success",
            "last_sync",
            "needs_attention",
            "tracked"
        ]
    );
    assert_eq!(known["tracked"], 1);
    assert_eq!(known["last_sync"]["status"], "success");
    assert_eq!(known["last_sync"].get("events"), None::<&Value>);
    assert!(known["last_success"].as_str().unwrap().ends_with('Z'));
}
