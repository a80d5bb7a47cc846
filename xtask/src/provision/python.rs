//! `target/test-venv`: a Python environment with the packages of
//! `xtask/test-requirements.txt`.
//!
//! Rebuilt from nothing when that file or the interpreter changes: an environment that was
//! patched into shape would not be the one a newcomer gets.

use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use super::{apt_install, can_apt_install, find_program};
use crate::Result;

/// The oldest Python that Radicale 3.9 and Xandikos 0.4 run on.
const OLDEST: (u32, u32) = (3, 10);

/// Newest first, then whatever the system calls its Python.
const NAMES: &[&str] = &[
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

const REQUIREMENTS: &str = "xtask/test-requirements.txt";

/// Makes the environment, or leaves the one that is there when nothing changed.
pub(super) fn provision(sh: &Shell, target: &Path) -> Result<PathBuf> {
    let wanted = sh.read_file(REQUIREMENTS)?;
    if let Some(python) = existing(target)
        && sh.read_file(stamp(target)).is_ok_and(|made| made == wanted)
    {
        return Ok(python);
    }
    let python = find_python(sh)?;
    let venv = folder(target);
    println!("    making {} with {}", venv.display(), python.display());
    sh.remove_path(&venv)?;
    if make_venv(sh, &python, &venv).is_err() {
        // Debian keeps the `ensurepip` that a new environment needs in a package of its own.
        if !can_apt_install(sh) {
            return Err(format!(
                "`{} -m venv` failed; on Debian and Ubuntu: apt-get install python3-venv",
                python.display()
            )
            .into());
        }
        apt_install(sh, &["python3-venv"])?;
        sh.remove_path(&venv)?;
        make_venv(sh, &python, &venv)?;
    }
    let made = interpreter(target);
    cmd!(
        sh,
        "{made} -m pip install --quiet --disable-pip-version-check --requirement {REQUIREMENTS}"
    )
    .quiet()
    .run()?;
    // Last, so that an interrupted installation is not taken for a finished one.
    sh.write_file(stamp(target), wanted)?;
    Ok(made)
}

/// The interpreter of a finished environment, however old.
pub(super) fn existing(target: &Path) -> Option<PathBuf> {
    let python = interpreter(target);
    (stamp(target).is_file() && python.is_file()).then_some(python)
}

fn folder(target: &Path) -> PathBuf {
    target.join("test-venv")
}

fn interpreter(target: &Path) -> PathBuf {
    folder(target).join("bin/python")
}

/// A copy of the requirements that the environment was made from.
fn stamp(target: &Path) -> PathBuf {
    folder(target).join("made-from.txt")
}

fn make_venv(sh: &Shell, python: &Path, venv: &Path) -> Result<()> {
    Ok(cmd!(sh, "{python} -m venv {venv}").quiet().run()?)
}

fn find_python(sh: &Shell) -> Result<PathBuf> {
    let found = NAMES
        .iter()
        .filter_map(|name| find_program(name))
        .find(|python| is_new_enough(sh, python));
    if let Some(python) = found {
        return Ok(python);
    }
    if can_apt_install(sh) {
        apt_install(sh, &["python3", "python3-venv"])?;
        let installed = find_program("python3").filter(|python| is_new_enough(sh, python));
        if let Some(python) = installed {
            return Ok(python);
        }
    }
    let (major, minor) = OLDEST;
    Err(format!(
        "the tests start Radicale and Xandikos, which need Python {major}.{minor} or newer; \
         none was found in PATH. On Debian and Ubuntu: apt-get install python3 python3-venv"
    )
    .into())
}

fn is_new_enough(sh: &Shell, python: &Path) -> bool {
    let script = "import sys; print(*sys.version_info[:2])";
    cmd!(sh, "{python} -c {script}")
        .quiet()
        .ignore_stderr()
        .read()
        .is_ok_and(|answer| version(&answer).is_some_and(|version| version >= OLDEST))
}

/// Reads `"3 11"`.
fn version(answer: &str) -> Option<(u32, u32)> {
    let (major, minor) = answer.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("3 9").unwrap() < OLDEST);
        assert!(version("3 10").unwrap() >= OLDEST);
        assert!(version("4 0\n").unwrap() >= OLDEST);
        assert_eq!(version("3.11"), None);
    }
}
