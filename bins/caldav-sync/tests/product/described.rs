//! The API does what its OpenAPI document says, whatever it is sent: schemathesis, which is not ours,
//! makes thousands of requests of the document, right and wrong ones, and holds every answer against
//! it. No answer is the program's own mistake, and none is undocumented.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};

use crate::common::{KEY, Stage, event};

/// What every answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      unsupported_method";
/// Requests of each kind for one operation.
const EXAMPLES: &str = "15";
/// Seconds for all of them.
const BUDGET: &str = "90";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    for number in 0..3 {
        let uid = format!("event-{number}");
        let ics = event(&uid, &uid, 3 + number);
        source.put("alice", "work", &format!("{uid}.ics"), &ics);
    }
    // From here everybody would come in without a key.
    let stage = Stage::start_with(&[("LOCAL_ACCESS", "off")]);
    let api = stage.api();
    let mapping = stage.set_up(source.url(), "work").await;
    let run = api.sync_well(&mapping).await;
    assert_eq!(run["inserted"], 3, "{run:#}");

    let mut document = api.get("/openapi.json").await;
    let known = Known {
        mapping: api.get(&format!("/mappings/{mapping}")).await,
        run,
        source: source.url().to_owned(),
    };
    known.put_into(&mut document);
    let folder = tempfile::TempDir::with_prefix("caldav-sync-test-").unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let url = stage.program().url.clone();
    let path = folder.path().to_owned();
    let told = tokio::task::spawn_blocking(move || schemathesis(&path, &file, &url))
        .await
        .unwrap();
    assert!(told.is_ok(), "{}", told.unwrap_err());
    // And it is still there.
    api.get("/status").await;
}

/// What is there, so that not every request is about nothing.
struct Known {
    mapping: Value,
    run: Value,
    source: String,
}

impl Known {
    /// As the document's examples. No request leaves the machine for their sake either.
    fn put_into(&self, document: &mut Value) {
        let mapping = &self.mapping;
        let paths = &mut document["paths"];
        for (method, path, example) in [
            ("get", "/mappings/{id}", &mapping["id"]),
            ("get", "/mappings/{id}/preview", &mapping["id"]),
            ("post", "/mappings/{id}/cleanup", &mapping["id"]),
            ("get", "/runs/{id}", &self.run["id"]),
            ("post", "/runs/{id}/undo", &self.run["id"]),
            (
                "delete",
                "/caldav/accounts/{id}",
                &mapping["caldav_account_id"],
            ),
            (
                "delete",
                "/google/accounts/{id}",
                &mapping["google_account_id"],
            ),
        ] {
            let parameter = &mut paths[path][method]["parameters"][0];
            assert_eq!(parameter["name"], "id", "{method} {path}");
            parameter["example"] = example.clone();
        }
        let schemas = &mut document["components"]["schemas"];
        for (shape, member, example) in [
            ("CaldavAccountRequest", "base_url", &json!(self.source)),
            ("CaldavAccountRequest", "username", &json!("alice")),
            ("CaldavAccountRequest", "password", &json!("alicepw")),
            ("WebhookRequest", "url", &json!(self.source)),
            (
                "MappingRequest",
                "caldav_calendar_id",
                &mapping["caldav_calendar_id"],
            ),
            (
                "MappingRequest",
                "google_calendar_id",
                &mapping["google_calendar_id"],
            ),
            ("MappingRequest", "id", &mapping["id"]),
            ("SyncRequest", "mapping_id", &mapping["id"]),
        ] {
            schemas[shape]["properties"][member]["example"] = example.clone();
        }
    }
}

/// Runs it; what it says when something does not hold.
fn schemathesis(folder: &Path, document: &Path, url: &str) -> Result<(), String> {
    let output = Command::new(testkit::python())
        .args(["-m", "schemathesis.cli", "run", "--no-color"])
        .arg(document)
        .args(["--url", url, "--header"])
        .arg(format!("Authorization: Bearer {KEY}"))
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", EXAMPLES, "--max-time", BUDGET])
        .args(["--workers", "2", "--seed", "4", "--request-timeout", "60"])
        .args(["--generation-database", "none", "--warnings", "off"])
        .args(["--continue-on-failure", "--suppress-health-check", "all"])
        .current_dir(folder)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
