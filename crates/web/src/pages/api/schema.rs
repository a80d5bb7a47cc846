//! A schema of the OpenAPI document in words: its type with links to the shapes it names, and a list
//! of its members.

use maud::{Markup, html};
use serde_json::Value;

use super::{array, object, text, ticked};

/// Where a shape is described on the page.
pub(super) fn anchor(name: &str) -> String {
    format!("shape-{name}")
}

/// The name of the shape that a reference names.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// A schema's type in a few words.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = referred(schema) {
        return html! { a href=(format!("#{}", anchor(name))) { (name) } };
    }
    for alternatives in ["oneOf", "anyOf"] {
        let alternatives = array(&schema[alternatives]);
        if !alternatives.is_empty() {
            return joined(alternatives.iter().map(kind), " or ");
        }
    }
    let words = array(&schema["enum"]);
    if !words.is_empty() {
        let words = words.iter().map(|word| html! { code { (text(word)) } });
        return joined(words, ", ");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().map(text).collect(),
        _ => vec!["anything"],
    };
    let named = types.iter().map(|name| match (*name, &schema["format"]) {
        ("array", _) => html! { "array of " (kind(&schema["items"])) },
        ("string", Value::String(format)) => html! { "string (" (format) ")" },
        (name, _) => html! { (name) },
    });
    html! {
        (joined(named, " or "))
        @if let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            " from " (least) " to " (most)
        }
        @if !schema["default"].is_null() { ", " (schema["default"].to_string()) " by default" }
    }
}

fn joined(pieces: impl Iterator<Item = Markup>, between: &str) -> Markup {
    html! {
        @for (place, piece) in pieces.enumerate() {
            @if place > 0 { (between) }
            (piece)
        }
    }
}

/// What a shape consists of.
pub(super) fn members(schema: &Value) -> Markup {
    let needed = array(&schema["required"]);
    html! {
        @if let Some(about) = schema["description"].as_str() { p { (ticked(about)) } }
        @if schema["properties"].is_null() && schema["allOf"].is_null() { p { (kind(schema)) } }
        @for part in array(&schema["allOf"]) {
            @if referred(part).is_some() {
                p { "Everything of " (kind(part)) ", and:" }
            } @else {
                (members(part))
            }
        }
        @if !schema["properties"].is_null() {
            dl.changes {
                @for (name, member) in object(&schema["properties"]) {
                    div {
                        dt { code { (name) } }
                        dd {
                            (kind(member))
                            @if !needed.iter().any(|needed| text(needed) == name) { ", may be left out" }
                            ". "
                            (ticked(text(&member["description"])))
                        }
                    }
                }
            }
        }
    }
}
