//! Chromium and chromedriver, for the tests that use the pages as a person does.
//!
//! Taken from the system's packages, so that browser and driver are of one version; whoever
//! has others names them in [`CHROMIUM`] and [`CHROMEDRIVER`].

use std::path::PathBuf;

use xshell::Shell;

use super::{apt_install, can_apt_install, named};
use crate::Result;

/// Environment variable with the path of the browser.
pub(super) const CHROMIUM: &str = "CALDAV_SYNC_CHROMIUM";

/// Environment variable with the path of the WebDriver server for it.
pub(super) const CHROMEDRIVER: &str = "CALDAV_SYNC_CHROMEDRIVER";

const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

const DRIVERS: &[&str] = &[
    "chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
];

/// Browser and driver, installed when they are missing and may be.
pub(super) fn provision(sh: &Shell) -> Result<(PathBuf, PathBuf)> {
    if let Some(found) = existing() {
        return Ok(found);
    }
    if can_apt_install(sh) {
        apt_install(sh, &["chromium", "chromium-driver"])?;
    }
    existing().ok_or_else(|| {
        format!(
            "the browser tests need Chromium (or Chrome) and its chromedriver. On Debian: \
             apt-get install chromium chromium-driver. Elsewhere install both in the same \
             version and put them into PATH, or name them in {CHROMIUM} and {CHROMEDRIVER}"
        )
        .into()
    })
}

/// Browser and driver, when both are there.
pub(super) fn existing() -> Option<(PathBuf, PathBuf)> {
    Some((named(CHROMIUM, BROWSERS)?, named(CHROMEDRIVER, DRIVERS)?))
}
