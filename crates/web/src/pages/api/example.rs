//! An example of a schema of the OpenAPI document: the examples and defaults that it names, else the
//! plainest value that fits.

use serde_json::{Map, Value, json};

use super::schema::referred;
use super::{array, object};

/// Shapes within shapes at most: none of ours holds itself, and none may ever hang the page.
const DEPTH: u8 = 12;

/// A value that fits.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    within(document, schema, DEPTH)
}

fn within(document: &Value, schema: &Value, depth: u8) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    for given in ["example", "default"] {
        if !schema[given].is_null() {
            return schema[given].clone();
        }
    }
    if let Some(name) = referred(schema) {
        return within(document, &document["components"]["schemas"][name], depth);
    }
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(first) = schema[alternatives].get(0) {
            return within(document, first, depth);
        }
    }
    let parts = array(&schema["allOf"]);
    if !parts.is_empty() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = within(document, part, depth) {
                whole.extend(members);
            }
        }
        return Value::Object(whole);
    }
    let kind = match &schema["type"] {
        Value::Array(several) => several.first().and_then(Value::as_str),
        one => one.as_str(),
    };
    match kind {
        Some("object") => object(&schema["properties"])
            .map(|(name, member)| (name.clone(), within(document, member, depth)))
            .collect::<Map<_, _>>()
            .into(),
        Some("array") => json!([within(document, &schema["items"], depth)]),
        Some("string") if schema["format"] == "date-time" => "2026-07-29T21:00:00Z".into(),
        Some("string") => "…".into(),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("boolean") => true.into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_the_documents_own_or_the_plainest() {
        let document = json!({"components": {"schemas": {
            "Side": {"type": "string", "enum": ["caldav", "google"]},
            "Loop": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Loop"}}},
        }}});
        let schema = json!({"allOf": [
            {"type": "object", "properties": {
                "side": {"oneOf": [{"$ref": "#/components/schemas/Side"}, {"type": "null"}]},
                "zone": {"type": ["string", "null"], "example": "Europe/Berlin"},
            }},
            {"type": "object", "properties": {"at": {
                "type": "array", "items": {"type": "string", "format": "date-time"}}}},
        ]});
        assert_eq!(
            example(&document, &schema),
            json!({"side": "caldav", "zone": "Europe/Berlin", "at": ["2026-07-29T21:00:00Z"]})
        );
        // It ends.
        example(&document, &json!({"$ref": "#/components/schemas/Loop"}));
    }
}
