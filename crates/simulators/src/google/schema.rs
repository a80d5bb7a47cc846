//! Checks JSON against the discovery document's schemas: request bodies in
//! strict mode, and in tests every answer the simulator gives.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::facts::{Kind, facts};

/// What is wrong with `value` as a resource of schema `name`; empty when nothing.
///
/// Each problem is a path and a word: `start.dateTime: not a date-time`.
pub fn check(name: &str, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    resource(name, value, "", Nulls::Refused, &mut problems);
    problems
}

/// As [`check`] for a request body. `null` clears in a PATCH and is nothing in
/// other requests, and times are checked later, with Google's own messages.
pub(super) fn check_request(name: &str, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    resource(name, value, "", Nulls::Allowed, &mut problems);
    problems
}

/// The schema of a method's answer, by method id (`events.list`).
pub fn response_schema(method: &str) -> Option<&'static str> {
    facts()
        .methods
        .iter()
        .find(|m| m.id == method)
        .and_then(|m| m.response.as_deref())
}

#[derive(Clone, Copy, PartialEq)]
enum Nulls {
    Allowed,
    Refused,
}

fn resource(name: &str, value: &Value, path: &str, nulls: Nulls, out: &mut Vec<String>) {
    match facts().schemas.get(name) {
        Some(properties) => object(properties, value, path, nulls, out),
        None => out.push(format!("{path}: no schema {name}")),
    }
}

fn object(
    properties: &BTreeMap<String, Kind>,
    value: &Value,
    path: &str,
    nulls: Nulls,
    out: &mut Vec<String>,
) {
    let Some(map) = value.as_object() else {
        out.push(format!("{path}: not an object"));
        return;
    };
    for (key, item) in map {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match properties.get(key) {
            Some(kind) => one(kind, item, &here, nulls, out),
            None => out.push(format!("{here}: unknown name")),
        }
    }
}

fn one(kind: &Kind, value: &Value, path: &str, nulls: Nulls, out: &mut Vec<String>) {
    if value.is_null() {
        if nulls == Nulls::Refused {
            out.push(format!("{path}: null"));
        }
        return;
    }
    let strict_times = nulls == Nulls::Refused;
    let wrong = match kind {
        Kind::Text => (!value.is_string()).then_some("not a string"),
        Kind::Boolean => (!value.is_boolean()).then_some("not a boolean"),
        Kind::Integer => value
            .as_i64()
            .is_none_or(|n| i32::try_from(n).is_err())
            .then_some("not an int32"),
        Kind::Date => match value.as_str() {
            Some(text) if !strict_times || text.parse::<Date>().is_ok() => None,
            _ => Some("not a date"),
        },
        Kind::DateTime => match value.as_str() {
            Some(text) if !strict_times || text.parse::<Timestamp>().is_ok() => None,
            _ => Some("not a date-time"),
        },
        Kind::Any => None,
        Kind::Ref(name) => {
            resource(name, value, path, nulls, out);
            None
        }
        Kind::Object(properties) => {
            object(properties, value, path, nulls, out);
            None
        }
        Kind::Array(items) => match value.as_array() {
            Some(list) => {
                for (index, item) in list.iter().enumerate() {
                    one(
                        items,
                        item,
                        &format!("{path}[{index}]"),
                        Nulls::Refused,
                        out,
                    );
                }
                None
            }
            None => Some("not an array"),
        },
        Kind::Map(values) => match value.as_object() {
            Some(map) => {
                for (key, item) in map {
                    one(values, item, &format!("{path}.{key}"), nulls, out);
                }
                None
            }
            None => Some("not an object"),
        },
    };
    if let Some(word) = wrong {
        out.push(format!("{path}: {word}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_held_to_their_types() {
        let good = json!({"id": "abcde", "start": {"date": "2026-11-22"}, "sequence": 1});
        assert!(check("Event", &good).is_empty());
        for (bad, word) in [
            (json!({"summary": 1}), "summary: not a string"),
            (json!({"colour": "1"}), "colour: unknown name"),
            (
                json!({"start": {"date": "22.11."}}),
                "start.date: not a date",
            ),
            (
                json!({"start": {"dateTime": "2026-11-22T10:00:00"}}),
                "start.dateTime: not a date-time",
            ),
            (
                json!({"recurrence": ["a", 1]}),
                "recurrence[1]: not a string",
            ),
            (
                json!({"extendedProperties": {"private": {"k": 1}}}),
                "extendedProperties.private.k: not a string",
            ),
            (json!({"sequence": 1.5}), "sequence: not an int32"),
            (json!({"summary": null}), "summary: null"),
            (json!([]), ": not an object"),
        ] {
            assert_eq!(check("Event", &bad), [word]);
        }
    }

    #[test]
    fn requests_may_carry_nulls_and_odd_times() {
        let body = json!({"start": {"date": null, "dateTime": "2026-11-22T10:00:00"}});
        assert!(check_request("Event", &body).is_empty());
        assert_eq!(
            check_request("Event", &json!({"x": null})),
            ["x: unknown name"]
        );
    }
}
