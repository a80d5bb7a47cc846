//! A crate's own `clippy.toml` replaces the workspace's: what the workspace says must be
//! repeated in it, and the crates of the core must ban the same things.

use super::TextFile;

/// The crates whose bans are one list in two files.
const CORE: [&str; 2] = [
    "crates/sync-engine/clippy.toml",
    "crates/ical-model/clippy.toml",
];

/// Compares every `crates/*/clippy.toml` with the root's, and the core's with each other.
pub(super) fn agree(files: &[TextFile]) -> Vec<String> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let mut failures = Vec::new();
    let Some(root) = find("clippy.toml") else {
        return vec!["clippy.toml is missing".to_owned()];
    };
    for file in files {
        if !file.path.starts_with("crates/") || !file.path.ends_with("/clippy.toml") {
            continue;
        }
        for line in root.text.lines().filter(|line| !line.starts_with('#')) {
            if !file.text.lines().any(|own| own == line) {
                failures.push(format!("{}: does not repeat `{line}`", file.path));
            }
        }
    }
    match CORE.map(find) {
        [Some(one), Some(other)] if one.text == other.text => {}
        _ => failures.push(format!("{} must be the same file", CORE.join(" and "))),
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(root: &str, engine: &str, model: &str) -> usize {
        agree(&[
            TextFile::new("clippy.toml", root),
            TextFile::new(CORE[0], engine),
            TextFile::new(CORE[1], model),
        ])
        .len()
    }

    #[test]
    fn a_line_of_the_root_is_repeated_and_the_core_agrees() {
        assert_eq!(check("a = 1\n", "a = 1\nb = 2\n", "a = 1\nb = 2\n"), 0);
        assert_eq!(check("a = 1\n", "b = 2\n", "b = 2\n"), 2);
        assert_eq!(check("a = 1\n", "a = 1\n", "a = 1\nb = 2\n"), 1);
    }

    #[test]
    fn a_core_without_bans_is_refused() {
        assert_eq!(agree(&[TextFile::new("clippy.toml", "")]).len(), 1);
    }
}
