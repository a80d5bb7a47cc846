//! Where the Python of the tests is, and the scripts it runs.

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The interpreter that has the packages of `xtask/test-requirements.txt`: `CALDAV_SYNC_PYTHON`, or
/// the virtual environment that `cargo xtask test` makes in `target/test-venv`.
///
/// # Panics
/// When it is not there, saying how to get it.
#[must_use]
pub fn python() -> PathBuf {
    let path = std::env::var_os("CALDAV_SYNC_PYTHON").map_or_else(
        || workspace_root().join("target/test-venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "No Python for the tests at {}. Run `cargo xtask test` once: it makes the environment; \
         or set CALDAV_SYNC_PYTHON.",
        path.display()
    );
    path
}

/// One of the scripts in `crates/testkit/python`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(name)
}
