//! The `fields` selector of partial responses: `a,b(c,d),e/f,*`. Applied last,
//! to whatever the method answered.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::ApiError;

/// A parsed selector: names with what is selected below them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Tree(BTreeMap<String, Self>);

/// Cuts `value` down to `selector`.
pub(super) fn select(selector: &str, value: Value) -> Result<Value, ApiError> {
    let mut rest = selector;
    let tree = list(&mut rest, 0)
        .filter(|_| rest.is_empty())
        .ok_or_else(|| bad(selector))?;
    Ok(cut(&tree, value))
}

fn bad(selector: &str) -> ApiError {
    ApiError::parameter("fields", format!("Invalid field selection {selector}"))
}

fn list(rest: &mut &str, depth: u8) -> Option<Tree> {
    if depth > 16 {
        return None;
    }
    let mut tree = Tree::default();
    loop {
        path(rest, &mut tree, depth)?;
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => return Some(tree),
        }
    }
}

fn path(rest: &mut &str, into: &mut Tree, depth: u8) -> Option<()> {
    if depth > 16 {
        return None;
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*')))
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() {
        return None;
    }
    *rest = after;
    let slot = into.0.entry(name.to_owned()).or_default();
    if let Some(after) = rest.strip_prefix('/') {
        *rest = after;
        return path(rest, slot, depth + 1);
    }
    if let Some(after) = rest.strip_prefix('(') {
        *rest = after;
        let inner = list(rest, depth + 1)?;
        slot.0.extend(inner.0);
        *rest = rest.strip_prefix(')')?;
    }
    Some(())
}

fn cut(tree: &Tree, value: Value) -> Value {
    if tree.0.is_empty() {
        return value;
    }
    match value {
        Value::Array(items) => items.into_iter().map(|item| cut(tree, item)).collect(),
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, item) in map {
                if let Some(below) = tree.0.get(&key).or_else(|| tree.0.get("*")) {
                    out.insert(key, cut(below, item));
                }
            }
            Value::Object(out)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_cut() {
        let value = json!({"kind": "k", "items": [{"id": "a", "start": {"date": "d", "x": 1}}, {"id": "b"}]});
        for (selector, result) in [
            ("kind", json!({"kind": "k"})),
            ("items(id)", json!({"items": [{"id": "a"}, {"id": "b"}]})),
            (
                "items/id,kind",
                json!({"kind": "k", "items": [{"id": "a"}, {"id": "b"}]}),
            ),
            (
                "items(start/date)",
                json!({"items": [{"start": {"date": "d"}}, {}]}),
            ),
            ("*", value.clone()),
            ("nothing", json!({})),
        ] {
            assert_eq!(
                select(selector, value.clone()).unwrap(),
                result,
                "{selector}"
            );
        }
        for bad in ["", "items(", "items(id", "a,,b", "a)", "a b", "/a"] {
            assert!(select(bad, value.clone()).is_err(), "{bad}");
        }
        assert!(select(&"a(".repeat(1000), value).is_err());
    }
}
