//! The document against the routes, and against its committed copy.

use serde_json::Value;

use super::*;
use crate::api::operations;

fn built() -> Value {
    let document = document("http://localhost:8080", env!("CARGO_PKG_VERSION"));
    serde_json::to_value(document).unwrap()
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = built();
    let mut told: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            told.push((method.clone(), path.clone()));
        }
    }
    told.sort();
    let mut routes: Vec<(String, String)> = operations()
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    routes.sort();
    assert_eq!(told, routes);
}

/// `UPDATE_OPENAPI=1 cargo nextest run -p web openapi` writes the copy anew.
#[test]
fn the_copy_in_the_repository_is_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let built = serde_json::to_string_pretty(&built()).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &built).unwrap();
    }
    let copy = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        copy == built,
        "docs/openapi.json is old: UPDATE_OPENAPI=1 cargo nextest run -p web openapi"
    );
}

#[test]
fn every_operation_says_who_what_and_what_may_go_wrong() {
    let document = built();
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].as_str().unwrap().len() > 5, "{name}");
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{name}"
            );
            for (status, answer) in answers {
                assert_ne!(answer["description"], "", "{name} {status}");
                let has_body = answer["content"].is_object();
                assert_eq!(has_body, status != "204", "{name} {status}");
            }
            if !path.ends_with('z') {
                for status in ["400", "401", "421", "422", "429", "500", "503"] {
                    assert!(answers.contains_key(status), "{name} {status}");
                }
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let place = parameter["in"].as_str().unwrap();
                let named = path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap()));
                assert_eq!(named, place == "path", "{name}: {parameter}");
            }
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "an operationId is there twice");
}

/// Every reference leads somewhere.
#[test]
fn the_document_is_closed() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if name == "$ref" {
                        found.push(member.as_str().unwrap().to_owned());
                    }
                    references(member, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = built();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
