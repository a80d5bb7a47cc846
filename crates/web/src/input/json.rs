//! JSON bodies: 415 for another type, 400 for what is no JSON, 422 with every field at fault. Members
//! that nobody knows are refused, and so are those that are given twice.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web as aw};
use app::words::nearest;
use app::{FieldError, UserError};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::{JSON_BYTES, bytes, media_type, wrong_type};
use crate::failure::Failure;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let mut payload = payload.take();
        Box::pin(async move {
            if !is_json {
                return Err(wrong_type(JSON));
            }
            let body = bytes(&mut payload, JSON_BYTES).await?;
            Ok(Self(read(&body)?))
        })
    }
}

/// Fields at fault that are named: each may come with all that were expected.
const MOST_FAULTS: usize = 20;

/// A body that may be left out; then it is the default.
pub(crate) async fn optional<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: aw::Payload,
) -> Result<T, Failure> {
    let mut payload = payload.into_inner();
    let body = bytes(&mut payload, JSON_BYTES).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    if !is_json(request) {
        return Err(wrong_type(JSON));
    }
    read(&body)
}

/// What bodies are.
const JSON: &str = "application/json";

/// Whether a body says that it is JSON: in UTF-8, as JSON is, and not packed.
fn is_json(request: &HttpRequest) -> bool {
    let header = |name| {
        let value = request.headers().get(name);
        value.map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase())
    };
    let kind = header(header::CONTENT_TYPE).unwrap_or_default();
    let charset_fits = kind.split(';').skip(1).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim() != "charset" || matches!(value.trim().trim_matches('"'), "utf-8" | "utf8")
    });
    let plain = header(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    media_type(request) == JSON && charset_fits && plain
}

/// Reads JSON, naming every field at fault.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let Unique(value) = serde_json::from_slice(body).map_err(|error| match error.classify() {
        // All that the type itself refuses.
        Category::Data => invalid(vec![FieldError {
            field: quoted(&error.to_string()).unwrap_or_default(),
            detail: "It is given twice.".to_owned(),
        }]),
        _ => Failure::http(
            StatusCode::BAD_REQUEST,
            "unreadable",
            "Not readable",
            format!("The body is no JSON: {error}."),
            "Correct the JSON and send it again.",
        ),
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
        if faults.len() == MOST_FAULTS {
            break;
        }
        let alone = Value::Object([(field.clone(), value)].into_iter().collect());
        if let Err(error) = serde_json::from_value::<T>(alone) {
            let error = error.to_string();
            if !error.starts_with("missing field") {
                faults.push(FieldError {
                    detail: fault(&error),
                    field: cut(&field),
                });
            }
        }
    }
    if faults.is_empty() {
        faults.push(FieldError {
            field: quoted(&error).unwrap_or_default(),
            detail: fault(&error),
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

/// Letters at most of what was sent that an answer repeats.
const REPEATED: usize = 200;

/// What was sent, cut so that no answer grows with it.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What stands between the first two backticks.
pub(super) fn quoted(text: &str) -> Option<String> {
    text.split('`').nth(1).map(cut)
}

/// What serde says about one field, for people: of a name that is not known, the nearest that is.
pub(super) fn fault(error: &str) -> String {
    let mut names = error.split('`').skip(1).step_by(2);
    let (unknown, known) = (names.next(), names.collect::<Vec<_>>());
    let (Some(unknown), true) = (unknown, error.starts_with("unknown ")) else {
        return sentence(error);
    };
    let given = cut(unknown);
    if known.is_empty() {
        return format!("\"{given}\" is not known here.");
    }
    match nearest(unknown, known.iter().copied()) {
        Some(meant) => format!("\"{given}\" is not known here. Did you mean \"{meant}\"?"),
        None => format!(
            "\"{given}\" is not known here. Known are: {}.",
            known.join(", ")
        ),
    }
}

fn sentence(error: &str) -> String {
    let error = cut(error);
    let mut letters = error.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// A JSON value in which no member is given twice: two readers would understand it differently.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if all.contains_key(&name) {
                return Err(A::Error::custom(format!("`{name}` is given twice")));
            }
            let Unique(value) = members.next_value()?;
            all.insert(name, value);
        }
        Ok(all.into())
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
        let deep = "[".repeat(100_000);
        for body in [
            b"{" as &[u8],
            b"",
            b"{\"name\": \"\xff\"}",
            b"nul",
            deep.as_bytes(),
        ] {
            let failure = read::<Wanted>(body).unwrap_err();
            assert_eq!(failure.status, StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn what_was_sent_is_not_repeated_at_length() {
        let long = "ü".repeat(10_000);
        for body in [
            format!("{{\"{long}\": 1}}"),
            format!("{{\"name\": \"a\", \"count\": \"{long}\"}}"),
            format!("{{\"{long}\": 1, \"{long}\": 1}}"),
        ] {
            let failure = read::<Wanted>(body.as_bytes()).unwrap_err();
            let fault = &failure.error.fields[0];
            let told = failure.error.detail.len() + fault.field.len() + fault.detail.len();
            assert!(told < 2_500, "{told}");
        }
    }

    #[test]
    fn a_member_that_is_given_twice_is_refused() {
        assert_eq!(
            faults(r#"{"name": "a", "count": 1, "count": 2}"#),
            ["count"]
        );
        assert_eq!(
            faults(r#"{"name": "a", "more": [{"x": 1, "x": 1}]}"#),
            ["x"]
        );
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        let told = |body: &str| {
            let failure = read::<Wanted>(body.as_bytes()).unwrap_err();
            failure.error.fields[0].detail.clone()
        };
        let near = told(r#"{"name": "a", "cuont": 1}"#);
        assert!(near.ends_with("Did you mean \"count\"?"), "{near}");
        let far = told(r#"{"name": "a", "colour": 1}"#);
        assert!(far.ends_with("Known are: name, count."), "{far}");
    }
}
