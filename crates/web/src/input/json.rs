//! JSON bodies: 415 for another type, 400 for what is no JSON, 422 with every field at fault.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use app::{FieldError, UserError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{JSON_BYTES, bytes, media_type, wrong_type};
use crate::failure::Failure;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = media_type(request);
        let mut payload = payload.take();
        Box::pin(async move {
            if kind != "application/json" {
                return Err(wrong_type("application/json"));
            }
            let body = bytes(&mut payload, JSON_BYTES).await?;
            Ok(Self(read(&body)?))
        })
    }
}

/// Reads JSON, naming every field at fault.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Failure::http(
            StatusCode::BAD_REQUEST,
            "unreadable",
            "Not readable",
            format!("The body is no JSON: {error}."),
            "Correct the JSON and send it again.",
        )
    })?;
    from_value(value)
}

/// Reads a value, naming every field at fault.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    let error = match serde_json::from_value::<T>(value.clone()) {
        Ok(read) => return Ok(read),
        Err(error) => error.to_string(),
    };
    let Value::Object(members) = value else {
        return Err(invalid(vec![FieldError {
            field: String::new(),
            detail: "A JSON object is expected.".to_owned(),
        }]));
    };
    // Each member by itself: what fails then for another reason than missing members is at fault.
    let mut faults = Vec::new();
    for (field, value) in members {
        let alone = Value::Object([(field.clone(), value)].into_iter().collect());
        if let Err(error) = serde_json::from_value::<T>(alone) {
            let error = error.to_string();
            if !error.starts_with("missing field") {
                faults.push(FieldError {
                    detail: sentence(&error),
                    field,
                });
            }
        }
    }
    if faults.is_empty() {
        faults.push(FieldError {
            field: quoted(&error).unwrap_or_default(),
            detail: sentence(&error),
        });
    }
    Err(invalid(faults))
}

/// 422 with fields.
pub(crate) fn invalid(fields: Vec<FieldError>) -> Failure {
    let detail = match fields.as_slice() {
        [only] => only.detail.clone(),
        many => format!("{} fields are not acceptable.", many.len()),
    };
    let error = UserError {
        fields,
        ..UserError::invalid("", detail)
    };
    error.into()
}

/// What stands between the first two backticks.
fn quoted(text: &str) -> Option<String> {
    text.split('`').nth(1).map(ToOwned::to_owned)
}

fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Wanted {
        name: String,
        count: Option<u32>,
    }

    fn faults(body: &str) -> Vec<String> {
        let failure = read::<Wanted>(body.as_bytes()).unwrap_err();
        assert_eq!(failure.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(failure.error.code, "invalid");
        let fields = failure.error.fields.iter();
        fields.map(|fault| fault.field.clone()).collect()
    }

    #[test]
    fn every_field_at_fault_is_named() {
        assert_eq!(
            faults(r#"{"name": 1, "count": "x", "more": 1}"#),
            ["count", "more", "name"]
        );
        assert_eq!(faults(r#"{"count": 1}"#), ["name"]);
        assert_eq!(faults("[]"), [""]);
    }

    #[test]
    fn what_is_no_json_is_unreadable() {
        let failure = read::<Wanted>(b"{").unwrap_err();
        assert_eq!(failure.status, StatusCode::BAD_REQUEST);
    }
}
