//! Query strings of the API, read into a type: known names only, each once, every fault named. A
//! value that is empty counts as absent.

use std::future::{Ready, ready};

use actix_web::error::QueryPayloadError;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use app::FieldError;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use url::form_urlencoded;

use super::json::{cut, fault, invalid, quoted};
use crate::failure::Failure;

/// The parameters of a request.
pub(crate) struct Params<T>(pub(crate) T);

/// For requests that take none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned + 'static> FromRequest for Params<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// Reads a query string.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
    let mut seen: Vec<String> = Vec::new();
    let mut given = form_urlencoded::Serializer::new(String::new());
    let mut faults = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let mut pair = form_urlencoded::Serializer::new(String::new());
        let alone = pair.append_pair(&name, &value).finish();
        let error = Query::<T>::from_query(&alone).err();
        let error = error.map(said);
        let detail = match error {
            _ if seen.iter().any(|other| *other == name) => "It is given twice.".to_owned(),
            Some(error) if error.starts_with("unknown field") => fault(&error),
            Some(error) if !value.is_empty() && !error.starts_with("missing field") => {
                fault(&error)
            }
            _ => {
                if !value.is_empty() {
                    given.append_pair(&name, &value);
                }
                seen.push(name.into_owned());
                continue;
            }
        };
        faults.push(FieldError {
            field: cut(&name),
            detail,
        });
    }
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    let whole = Query::<T>::from_query(&given.finish()).map(Query::into_inner);
    // Each by itself was right: what is wrong now is missing.
    whole.map_err(|error| {
        invalid(vec![FieldError {
            field: quoted(&said(error)).unwrap_or_default(),
            detail: "It is needed.".to_owned(),
        }])
    })
}

/// What serde says, without what actix-web puts before it.
fn said(error: QueryPayloadError) -> String {
    match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// How many of a list: 1 to 200, 50 unless somebody says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit<const MOST: u32 = 200, const USUAL: u32 = 50>(pub(crate) u32);

impl<const MOST: u32, const USUAL: u32> Default for Limit<MOST, USUAL> {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<'de, const MOST: u32, const USUAL: u32> Deserialize<'de> for Limit<MOST, USUAL> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.parse() {
            Ok(number) if (1..=MOST).contains(&number) => Ok(Self(number)),
            _ => Err(D::Error::custom(format!("it is a number from 1 to {MOST}"))),
        }
    }
}

/// A parameter that is yes or no: `true`, `false`, `1` or `0`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(D::Error::custom("it is true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        uid: String,
        #[serde(default)]
        limit: Limit,
        #[serde(default, deserialize_with = "flag")]
        wait: Option<bool>,
        side: Option<sync_engine::model::Side>,
    }

    #[track_caller]
    fn faults(query: &str) -> Vec<(String, String)> {
        let failure = read::<Wanted>(query).unwrap_err();
        assert_eq!(failure.error.code, "invalid");
        let fields = failure.error.fields.into_iter();
        fields.map(|fault| (fault.field, fault.detail)).collect()
    }

    #[test]
    fn what_is_right_is_read() {
        let read = read::<Wanted>("uid=a%2Fb+c&wait=1&limit=200&side=google").unwrap();
        assert_eq!(read.uid, "a/b c");
        assert_eq!((read.wait, read.limit.0), (Some(true), 200));
        assert_eq!(read.side, Some(sync_engine::model::Side::Google));
        let least = super::read::<Wanted>("uid=x&wait=&limit=&side=").unwrap();
        assert_eq!((least.wait, least.limit.0, least.side), (None, 50, None));
    }

    #[test]
    fn every_fault_is_named() {
        let all = faults("limit=0&wait=perhaps&side=left&colour=&uid=a&uid=b");
        let fields: Vec<&str> = all.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["limit", "wait", "side", "colour", "uid"]);
        for (_, detail) in &all {
            assert!(detail.len() > 10 && detail.ends_with('.'), "{detail}");
        }
        assert_eq!(faults("wait=1")[0].0, "uid");
        assert_eq!(faults("uid=")[0].0, "uid");
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        let told = &faults("uid=a&wiat=1")[0].1;
        assert!(told.contains("Did you mean \"wait\"?"), "{told}");
    }
}
