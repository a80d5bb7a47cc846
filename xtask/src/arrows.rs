//! The arrow check: which crate may depend on which, and what may be nowhere below the core.
//!
//! Judged from `cargo metadata`, so it needs no tool that is not there anyway. The rules are
//! [`rules`]; this module reads the metadata and reports. Called by `cargo xtask arrows` and
//! by `cargo xtask test`.

mod graph;
mod rules;

use xshell::{Shell, cmd};

use crate::{Result, step};

/// Checks the workspace this program was built from.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    step::check("arrows", || {
        let version = cmd!(sh, "rustc -vV").quiet().read()?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or("`rustc -vV` names no host")?;
        // Only the host's packages: the whole list would download every Windows crate.
        let metadata = cmd!(
            sh,
            "cargo metadata --format-version 1 --filter-platform {host}"
        )
        .quiet()
        .read()?;
        let failures = failures(&serde_json::from_str(&metadata)?)?;
        if failures.is_empty() {
            return Ok(());
        }
        Err(failures.join("\n    ").into())
    })
}

/// Every broken rule of a `cargo metadata` answer, as sentences. An error means that the
/// answer is not of the shape that is documented in "The cargo book", `cargo metadata`.
fn failures(metadata: &serde_json::Value) -> Result<Vec<String>> {
    let graph = graph::Graph::read(metadata)?;
    let mut failures = rules::edges(&graph);
    failures.extend(rules::forbidden(&graph));
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The smallest answer with the shape of the real one: `packages` are `(name, version)`,
    /// `arrows` are `(from, to, kind)` with kind `null`, `"dev"` or `"build"`.
    /// The first letter of an id tells members (`m`) from packages of the registry (`r`).
    fn metadata(packages: &[&str], arrows: &[(&str, &str, Option<&str>)]) -> Value {
        let is_member = |name: &str| !name.contains('@');
        let split = |name: &str| {
            let (name, version) = name.split_once('@').unwrap_or((name, "0.1.0"));
            (name.to_owned(), version.to_owned())
        };
        let members: Vec<_> = packages.iter().filter(|name| is_member(name)).collect();
        let packages_json: Vec<_> = packages
            .iter()
            .map(|id| {
                let (name, version) = split(id);
                let dependencies: Vec<_> = arrows
                    .iter()
                    .filter(|(from, _, _)| from == id)
                    .map(|(_, to, kind)| json!({"name": split(to).0, "kind": kind}))
                    .collect();
                json!({"id": id, "name": name, "version": version, "dependencies": dependencies})
            })
            .collect();
        let nodes: Vec<_> = packages
            .iter()
            .map(|id| {
                let deps: Vec<_> = arrows
                    .iter()
                    .filter(|(from, _, _)| from == id)
                    .map(|(_, to, kind)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                    .collect();
                json!({"id": id, "deps": deps})
            })
            .collect();
        json!({
            "packages": packages_json,
            "workspace_members": members,
            "resolve": {"nodes": nodes},
        })
    }

    fn sentences(packages: &[&str], arrows: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        failures(&metadata(packages, arrows)).unwrap()
    }

    #[test]
    fn inward_arrows_are_fine() {
        let found = sentences(
            &[
                "sync-engine",
                "store",
                "web",
                "app",
                "jiff@0.2.46",
                "tokio@1.54.1",
            ],
            &[
                ("store", "sync-engine", None),
                ("app", "store", None),
                ("web", "app", None),
                ("sync-engine", "jiff@0.2.46", None),
                ("store", "tokio@1.54.1", None),
            ],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_outward_arrow_is_named_with_both_ends() {
        let found = sentences(&["sync-engine", "store"], &[("sync-engine", "store", None)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("sync-engine -> store"), "{found:?}");
    }

    #[test]
    fn build_dependencies_are_arrows_too() {
        let found = sentences(
            &["ical-model", "outbound"],
            &[("ical-model", "outbound", Some("build"))],
        );
        assert!(found[0].contains("ical-model -> outbound"), "{found:?}");
    }

    #[test]
    fn tests_may_point_anywhere() {
        let found = sentences(
            &["sync-engine", "testkit", "simulators", "tokio@1.54.1"],
            &[
                ("sync-engine", "testkit", Some("dev")),
                ("sync-engine", "tokio@1.54.1", Some("dev")),
                ("simulators", "testkit", Some("dev")),
            ],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn the_testkit_is_never_shipped() {
        let found = sentences(
            &["caldav-sync", "testkit"],
            &[("caldav-sync", "testkit", None)],
        );
        assert!(found[0].contains("caldav-sync -> testkit"), "{found:?}");
    }

    #[test]
    fn only_the_binary_carries_the_simulators() {
        let found = sentences(
            &["caldav-sync", "app", "simulators"],
            &[
                ("caldav-sync", "simulators", None),
                ("app", "simulators", None),
            ],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("app -> simulators"), "{found:?}");
    }

    #[test]
    fn a_member_without_a_place_is_refused() {
        let found = sentences(&["sync-engine", "helpers"], &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("helpers"), "{found:?}");
    }

    #[test]
    fn a_forbidden_package_is_named_with_the_way_to_it() {
        let found = sentences(
            &[
                "sync-engine",
                "rrule@0.14.0",
                "timers@1.0.0",
                "tokio@1.54.1",
            ],
            &[
                ("sync-engine", "rrule@0.14.0", None),
                ("rrule@0.14.0", "timers@1.0.0", None),
                ("timers@1.0.0", "tokio@1.54.1", None),
            ],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("sync-engine -> rrule -> timers -> tokio"),
            "{found:?}"
        );
    }

    #[test]
    fn the_core_of_another_crate_is_judged_too() {
        let found = sentences(
            &["ical-model", "sync-engine", "reqwest@0.13.5"],
            &[
                ("ical-model", "sync-engine", None),
                ("sync-engine", "reqwest@0.13.5", None),
            ],
        );
        assert!(
            found
                .iter()
                .any(|line| line.contains("ical-model -> sync-engine -> reqwest")),
            "{found:?}"
        );
    }

    #[test]
    fn what_only_tests_or_builds_use_is_not_below_the_core() {
        let found = sentences(
            &[
                "sync-engine",
                "chrono-tz@0.10.4",
                "chrono-tz-build@0.4.0",
                "hyper@1.7.0",
            ],
            &[
                ("sync-engine", "chrono-tz@0.10.4", None),
                ("chrono-tz@0.10.4", "chrono-tz-build@0.4.0", Some("build")),
                ("chrono-tz-build@0.4.0", "hyper@1.7.0", None),
                ("sync-engine", "hyper@1.7.0", Some("dev")),
            ],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn the_core_asks_for_no_randomness_itself() {
        let found = sentences(
            &["sync-engine", "store", "sha2@0.10.9", "getrandom@0.3.4"],
            &[
                ("sync-engine", "getrandom@0.3.4", None),
                ("sync-engine", "sha2@0.10.9", None),
                ("sha2@0.10.9", "getrandom@0.3.4", None),
                ("store", "getrandom@0.3.4", None),
            ],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("sync-engine -> getrandom"), "{found:?}");
    }

    #[test]
    fn product_crates_name_their_errors() {
        let found = sentences(
            &["store", "xtask", "anyhow@1.0.0"],
            &[
                ("store", "anyhow@1.0.0", None),
                ("xtask", "anyhow@1.0.0", None),
            ],
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("store -> anyhow"), "{found:?}");
    }

    #[test]
    fn a_version_with_a_hole_is_refused_and_its_successor_is_not() {
        let below = |version| {
            let h2 = format!("h2@{version}");
            sentences(&["web", &h2], &[("web", &h2, None)])
        };
        assert_eq!(below("0.4.20"), Vec::<String>::new());
        let found = below("0.3.27");
        assert!(found[0].contains("web -> h2"), "{found:?}");
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error_and_not_a_pass() {
        assert!(failures(&json!({"packages": []})).is_err());
    }
}
