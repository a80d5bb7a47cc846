//! Fetching what the tests need from outside, once, into `target/` or from the system's
//! packages: Python with two CalDAV servers, a browser and its driver, two reverse proxies,
//! cargo-nextest.
//!
//! Each provider looks first, fetches only what is missing, and says in one sentence what to
//! do by hand when it cannot. The answer is a [`Tools`], handed to the tests through their
//! environment; tests look for nothing themselves.

mod browser;
mod nextest;
mod proxies;
mod python;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::{Result, root, step};

/// Where the provisioned programs are.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The interpreter of the environment with Radicale and Xandikos in it.
    python: PathBuf,
    chromium: PathBuf,
    chromedriver: PathBuf,
    nginx: PathBuf,
    caddy: PathBuf,
}

impl Tools {
    /// The environment variables by which the tests find them.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 5] {
        [
            ("CALDAV_SYNC_PYTHON", self.python.clone().into()),
            (browser::CHROMIUM, self.chromium.clone().into()),
            (browser::CHROMEDRIVER, self.chromedriver.clone().into()),
            (proxies::NGINX, self.nginx.clone().into()),
            (proxies::CADDY, self.caddy.clone().into()),
        ]
    }
}

/// Provisions everything; several at the same time wait for each other.
pub(crate) fn all(sh: &Shell) -> Result<Tools> {
    let target = root().join("target");
    sh.create_dir(&target)?;
    let lock = File::create(target.join("provision.lock"))?;
    lock.lock()?;
    let python = step::check("provision Python", || python::provision(sh, &target))?;
    let (chromium, chromedriver) = step::check("provision a browser", || browser::provision(sh))?;
    let (nginx, caddy) = step::check("provision reverse proxies", || proxies::provision(sh))?;
    step::check("provision cargo-nextest", || nextest::provision(sh))?;
    Ok(Tools {
        python,
        chromium,
        chromedriver,
        nginx,
        caddy,
    })
}

/// What an earlier [`all`] left, without fetching anything.
pub(crate) fn already_there() -> Result<Tools> {
    let missing = |what: &str| format!("{what} is not provisioned: run `cargo xtask provision`");
    let python = python::existing(&root().join("target")).ok_or_else(|| missing("Python"))?;
    let (chromium, chromedriver) = browser::existing().ok_or_else(|| missing("a browser"))?;
    let (nginx, caddy) = proxies::existing().ok_or_else(|| missing("a reverse proxy"))?;
    Ok(Tools {
        python,
        chromium,
        chromedriver,
        nginx,
        caddy,
    })
}

/// The program that a variable names, else the first of the usual ones that is there.
fn named(variable: &str, usual: &[&str]) -> Option<PathBuf> {
    match std::env::var(variable) {
        Ok(path) if !path.is_empty() => find_program(&path),
        _ => usual.iter().find_map(|name| find_program(name)),
    }
}

/// Finds a program by its name in `PATH`, or by its path.
fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// Whether we may install packages of the system: Debian or a relative, and root.
fn can_apt_install(sh: &Shell) -> bool {
    let is_root = cmd!(sh, "id -u").quiet().read().is_ok_and(|uid| uid == "0");
    is_root && Path::new("/etc/debian_version").exists() && find_program("apt-get").is_some()
}

/// `apt-get install` without recommended packages and without questions.
fn apt_install(sh: &Shell, packages: &[&str]) -> Result<()> {
    println!("    installing {} with apt-get", packages.join(", "));
    let sh = sh.clone();
    sh.set_var("DEBIAN_FRONTEND", "noninteractive");
    let quiet = [
        "-qq",
        "-o",
        "Dpkg::Use-Pty=0",
        "-o",
        "DPkg::Lock::Timeout=300",
    ];
    cmd!(sh, "apt-get {quiet...} update").quiet().run()?;
    cmd!(
        sh,
        "apt-get {quiet...} install -y --no-install-recommends {packages...}"
    )
    .quiet()
    .ignore_stdout()
    .run()?;
    Ok(())
}
