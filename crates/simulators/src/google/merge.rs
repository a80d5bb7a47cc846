//! PATCH semantics: objects merge, arrays are replaced whole, `null` clears.
//! Pure.

use serde_json::{Map, Value};

/// Applies `patch` to `base`.
pub(super) fn patch(base: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                base.remove(key);
            }
            Value::Object(inner) => {
                let slot = base
                    .entry(key.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(map) = slot {
                    self::patch(map, inner);
                }
            }
            other => {
                base.insert(key.clone(), other.clone());
            }
        }
    }
}

/// Drops every `null`, at any depth of objects: what a PUT or POST means by it.
pub(super) fn without_nulls(map: &mut Map<String, Value>) {
    map.retain(|_, value| !value.is_null());
    for value in map.values_mut() {
        if let Value::Object(inner) = value {
            without_nulls(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(base: &Value, change: &Value) -> Value {
        let mut base = base.as_object().unwrap().clone();
        patch(&mut base, change.as_object().unwrap());
        Value::Object(base)
    }

    #[test]
    fn objects_merge_arrays_replace_null_clears() {
        for (base, change, result) in [
            (json!({"a": 1}), json!({}), json!({"a": 1})),
            (json!({"a": 1}), json!({"a": null}), json!({})),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (
                json!({"start": {"date": "d", "timeZone": "z"}}),
                json!({"start": {"date": null, "dateTime": "t"}}),
                json!({"start": {"dateTime": "t", "timeZone": "z"}}),
            ),
            (
                json!({"p": {"private": {"a": "1", "b": "2"}}}),
                json!({"p": {"private": {"a": null, "c": "3"}}}),
                json!({"p": {"private": {"b": "2", "c": "3"}}}),
            ),
            (json!({}), json!({"o": {"x": null}}), json!({"o": {}})),
        ] {
            assert_eq!(merged(&base, &change), result);
        }
    }

    #[test]
    fn nulls_mean_nothing_in_a_whole_body() {
        let mut map = json!({"a": null, "b": {"c": null, "d": 1}})
            .as_object()
            .unwrap()
            .clone();
        without_nulls(&mut map);
        assert_eq!(Value::Object(map), json!({"b": {"d": 1}}));
    }
}
