//! Clients written by others against the Google simulator: Google's own Python
//! client and gcal-sync; and python-dateutil against its expansion.

use std::path::Path;
use std::process::Command;

use simulators::google::{GoogleSim, GoogleSimConfig};

/// Runs one of `tests/python` with a fresh simulator's address.
#[track_caller]
#[expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]
fn run(script: &str) {
    let sim = GoogleSim::start(GoogleSimConfig::default()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/python")
        .join(script);
    let output = Command::new(testkit::python())
        .arg(path)
        .arg(sim.base_url())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(sim.violations().is_empty(), "{:?}", sim.violations());
}

#[test]
fn googles_own_python_client() {
    run("google_client.py");
}

#[test]
fn gcal_sync() {
    run("gcal_sync_client.py");
}

#[test]
fn expansion_agrees_with_dateutil() {
    run("expansion.py");
}
