//! The API, for people: every operation with its parameters, bodies and answers, made from the
//! OpenAPI document itself (`openapi`), so that it says what that says.

mod example;
mod schema;

use actix_web::HttpResponse;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::shell::{Here, Page, Shell};
use crate::openapi;
use example::example;
use schema::{anchor, kind, members};

/// The page.
pub(crate) async fn show(shell: Shell) -> HttpResponse {
    // Values of our own always serialise.
    let document = serde_json::to_value(openapi::own(&shell.web)).unwrap_or_default();
    let main = html! {
        h1 { "API" }
        @for paragraph in text(&document["info"]["description"]).split("\n\n") {
            p.lead { (ticked(paragraph)) }
        }
        p { "For programs: " a href=(shell.at("/openapi.json")) { "openapi.json" } " (OpenAPI 3.1)." }
        section.card {
            h2 { "Try it" }
            p.copy { code { "curl -H 'Authorization: Bearer KEY' " (text(&document["servers"][0]["url"])) "/status" } }
        }
        @for (tag, operations) in by_tag(&document) {
            section.card.reference aria-labelledby=(format!("tag-{tag}")) {
                h2 id=(format!("tag-{tag}")) { (tag) }
                @for (method, path, operation) in operations {
                    (shown(&document, method, path, operation))
                }
            }
        }
        section.card.reference aria-labelledby="shapes" {
            h2 #shapes { "Shapes" }
            @for (name, schema) in object(&document["components"]["schemas"]) {
                details id=(anchor(name)) {
                    summary { code { (name) } }
                    (members(schema))
                }
            }
        }
    };
    shell.show(&Page::new(Here::Elsewhere, "API", main))
}

type Operation<'a> = (&'a str, &'a str, &'a Value);

/// The operations by their first tag, in the document's order.
fn by_tag(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let mut tags: Vec<(&str, Vec<Operation<'_>>)> = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, operation) in object(item) {
            let tag = text(&operation["tags"][0]);
            let entry = (method.as_str(), path.as_str(), operation);
            match tags.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, operations)) => operations.push(entry),
                None => tags.push((tag, vec![entry])),
            }
        }
    }
    tags
}

fn shown(document: &Value, method: &str, path: &str, operation: &Value) -> Markup {
    let parameters = array(&operation["parameters"]);
    let body = &operation["requestBody"];
    html! {
        details id=(text(&operation["operationId"])) {
            summary {
                code { (method.to_uppercase()) " " (path) }
                " " span.optional { (text(&operation["summary"])) }
            }
            @if let Some(more) = operation["description"].as_str() { p { (ticked(more)) } }
            @if !parameters.is_empty() {
                h3 { "Parameters" }
                dl.changes {
                    @for parameter in parameters {
                        div {
                            dt { code { (text(&parameter["name"])) } }
                            dd {
                                (kind(&parameter["schema"]))
                                " in the " (text(&parameter["in"]))
                                @if parameter["required"] == true { ", needed" }
                                ". " (ticked(text(&parameter["description"])))
                            }
                        }
                    }
                }
            }
            @for (media, content) in object(&body["content"]) {
                h3 { "Body" @if body["required"] != true { " (may be left out)" } }
                p.detail { (media) ": " (kind(&content["schema"])) }
                (sample(document, content))
            }
            h3 { "Answers" }
            @for (status, answer) in object(&operation["responses"]) {
                p {
                    span class=(badge(status)) { (status) } " "
                    (ticked(text(&answer["description"])))
                    @for (_, content) in object(&answer["content"]) {
                        " " (kind(&content["schema"]))
                    }
                }
                @if status.starts_with('2') {
                    @for (_, content) in object(&answer["content"]) { (sample(document, content)) }
                }
            }
        }
    }
}

fn badge(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'2') => "badge good",
        Some(b'4') => "badge warn",
        _ => "badge bad",
    }
}

/// How such a body may look.
fn sample(document: &Value, content: &Value) -> Markup {
    let example = example(document, &content["schema"]);
    let text = serde_json::to_string_pretty(&example).unwrap_or_default();
    html! { pre tabindex="0" { code { (text) } } }
}

/// Text with `code` in it, as the document has it.
fn ticked(text: &str) -> Markup {
    html! {
        @for (place, piece) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
