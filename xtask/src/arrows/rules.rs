//! The rules of the arrow check, as tables with reasons.
//!
//! To add a crate, decide which crates it may know and give it a line in [`ALLOWED`]; to let
//! an arrow point somewhere new is a decision about the architecture, not about this file.

use super::graph::{Graph, Member, Package};

/// Which members a member may depend on outside its tests. Innermost first.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sync-engine", &[]),
    ("ical-model", &["sync-engine"]),
    ("outbound", &[]),
    ("caldav-client", &["sync-engine", "ical-model", "outbound"]),
    ("gcal-client", &["sync-engine", "outbound"]),
    ("store", &["sync-engine"]),
    (
        "app",
        &[
            "sync-engine",
            "ical-model",
            "outbound",
            "caldav-client",
            "gcal-client",
            "store",
        ],
    ),
    ("web", &["app", "sync-engine", "store"]),
    ("simulators", &["sync-engine", "ical-model"]),
    ("testkit", &[]),
    (
        "caldav-sync",
        &[
            "sync-engine",
            "ical-model",
            "outbound",
            "caldav-client",
            "gcal-client",
            "store",
            "app",
            "web",
            "simulators",
        ],
    ),
    ("xtask", &[]),
];

/// The pure crates: another program can embed them, whatever runtime it has.
const CORE: &[&str] = &["sync-engine", "ical-model"];

/// What may be nowhere below [`CORE`], and why.
const OUTSIDE_THE_CORE: &[(&str, &str)] = &[
    ("tokio", "the core has no runtime"),
    ("mio", "the core does no I/O"),
    ("socket2", "the core does no I/O"),
    ("hyper", "the core speaks no HTTP"),
    ("reqwest", "the core speaks no HTTP"),
    ("actix-web", "the core serves nothing"),
    ("rusqlite", "the core stores through a trait"),
    ("anyhow", "the core's errors are types"),
];

/// What [`CORE`] may not declare itself. Below it they are judged by nobody: `cargo metadata`
/// unites the features of the whole workspace, so a hash seems to pull in randomness that
/// only the store's cipher asks for.
const NOT_DECLARED_BY_THE_CORE: &[(&str, &str)] = &[
    ("getrandom", "randomness is handed to the core"),
    ("rand", "randomness is handed to the core"),
    ("tracing", "the core reports by its results"),
    ("log", "the core reports by its results"),
];

/// Members that are programs or their tools: they may end an error chain in a plain text.
const PROGRAMS: &[&str] = &["caldav-sync", "xtask"];

/// What may be below no member at all: name, start of the version ("" is every one), why.
const NOWHERE: &[(&str, &str, &str)] = &[
    (
        "openssl-sys",
        "",
        "TLS is rustls, with nothing of the system's",
    ),
    (
        "native-tls",
        "",
        "TLS is rustls, with nothing of the system's",
    ),
    ("h2", "0.3.", "RUSTSEC-2026-0258 has no fixed 0.3"),
    ("serde_yaml", "", "unmaintained"),
    ("serde_yml", "", "RUSTSEC-2025-0068, unsound"),
    ("actix-governor", "", "GPL-3.0"),
];

/// Arrows that a member declares and that its place does not allow.
pub(super) fn edges(graph: &Graph) -> Vec<String> {
    let is_member = |name: &str| graph.members().iter().any(|member| member.name == name);
    let mut failures = Vec::new();
    for member in graph.members() {
        let name = &member.name;
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            failures.push(format!(
                "{name} has no line in xtask/src/arrows/rules.rs: decide what it may know"
            ));
            continue;
        };
        for target in &member.declared {
            if is_member(target) && !allowed.contains(&target.as_str()) {
                let reason = match target.as_str() {
                    "testkit" => "it serves tests only: make it a dev-dependency",
                    "simulators" => "only the binary's demo and tests may use it",
                    _ => "arrows point inward",
                };
                failures.push(format!("{name} -> {target} is not allowed: {reason}"));
            }
            let undeclared = NOT_DECLARED_BY_THE_CORE.iter().find(|(it, _)| it == target);
            if let Some((_, reason)) = undeclared
                && CORE.contains(&name.as_str())
            {
                failures.push(format!("{name} -> {target} is not allowed: {reason}"));
            }
        }
    }
    failures
}

/// Packages that are below a member where they must not be.
pub(super) fn forbidden(graph: &Graph) -> Vec<String> {
    let mut failures = Vec::new();
    for member in graph.members() {
        for (package, way) in graph.below(member) {
            if let Some(reason) = why_not(member, &package) {
                failures.push(format!(
                    "{} {} is not allowed there: {reason}",
                    way.join(" -> "),
                    package.version
                ));
            }
        }
    }
    failures
}

fn why_not(member: &Member, package: &Package) -> Option<&'static str> {
    let nowhere = NOWHERE.iter().find_map(|(name, version, reason)| {
        (package.name == *name && package.version.starts_with(version)).then_some(*reason)
    });
    let outside = OUTSIDE_THE_CORE.iter().find_map(|(name, reason)| {
        (package.name == *name && CORE.contains(&member.name.as_str())).then_some(*reason)
    });
    let untyped = (package.name == "anyhow" && !PROGRAMS.contains(&member.name.as_str()))
        .then_some("a crate's errors are types; only a program may use anyhow");
    nowhere.or(outside).or(untyped)
}
