//! What `cargo metadata` says, reduced to what the arrow check asks: the members with the
//! dependencies they declare, and the resolved packages with what they really pull in.
//!
//! No rule lives here; see [`super::rules`].

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::Value;

use crate::Result;

/// The members and the resolved graph of one workspace.
pub(super) struct Graph {
    /// Names of the members in the order of the metadata.
    members: Vec<Member>,
    packages: HashMap<String, Package>,
    /// Package id to the ids of its normal dependencies.
    normal: HashMap<String, Vec<String>>,
}

/// A package of this workspace.
pub(super) struct Member {
    id: String,
    /// Its name in `Cargo.toml`.
    pub(super) name: String,
    /// Names of what it declares for normal use or for its build script, on any platform.
    pub(super) declared: Vec<String>,
}

/// A resolved package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Its name in the registry.
    pub(super) name: String,
    /// `"1.2.3"`.
    pub(super) version: String,
}

impl Graph {
    /// Reads the JSON of `cargo metadata --format-version 1`. Anything missing is an error:
    /// an unreadable answer must never look like a workspace without faults.
    pub(super) fn read(metadata: &Value) -> Result<Self> {
        let mut packages = HashMap::new();
        let mut declared_by = HashMap::new();
        for package in array(metadata, "packages")? {
            let id = text(package, "id")?;
            let mut declared = Vec::new();
            for dependency in array(package, "dependencies")? {
                let kind = &dependency["kind"];
                if kind.is_null() || kind == "build" {
                    declared.push(text(dependency, "name")?);
                }
            }
            declared_by.insert(id.clone(), declared);
            let (name, version) = (text(package, "name")?, text(package, "version")?);
            packages.insert(id, Package { name, version });
        }
        let mut members = Vec::new();
        for id in array(metadata, "workspace_members")? {
            let id = id.as_str().ok_or("a member's id is not a string")?;
            let package = packages
                .get(id)
                .ok_or("a member is not among the packages")?;
            members.push(Member {
                id: id.to_owned(),
                name: package.name.clone(),
                declared: declared_by.remove(id).unwrap_or_default(),
            });
        }
        let mut normal = HashMap::new();
        for node in array(&metadata["resolve"], "nodes")? {
            let mut targets = Vec::new();
            for dep in array(node, "deps")? {
                let kinds = array(dep, "dep_kinds")?;
                if kinds.iter().any(|kind| kind["kind"].is_null()) {
                    targets.push(text(dep, "pkg")?);
                }
            }
            normal.insert(text(node, "id")?, targets);
        }
        Ok(Self {
            members,
            packages,
            normal,
        })
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Everything that `member` links for normal use, itself not included, each with one
    /// shortest way to it: names from the member to the package.
    pub(super) fn below(&self, member: &Member) -> Vec<(Package, Vec<String>)> {
        let mut seen: HashSet<&str> = HashSet::from([member.id.as_str()]);
        let mut waiting = VecDeque::from([(member.id.as_str(), vec![member.name.clone()])]);
        let mut found = BTreeMap::new();
        while let Some((id, way)) = waiting.pop_front() {
            for next in self.normal.get(id).into_iter().flatten() {
                let Some(package) = self.packages.get(next) else {
                    continue;
                };
                if seen.insert(next) {
                    let mut way = way.clone();
                    way.push(package.name.clone());
                    found.insert(next.as_str(), (package.clone(), way.clone()));
                    waiting.push_back((next, way));
                }
            }
        }
        found.into_values().collect()
    }
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .ok_or_else(|| format!("`cargo metadata`: `{key}` is not a list").into())
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("`cargo metadata`: `{key}` is not a string").into())
}
