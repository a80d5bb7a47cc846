//! Query strings of the API: known names only, each once.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use app::FieldError;
use url::form_urlencoded;

use super::json::invalid;
use crate::failure::Failure;

/// The parameters of a request, in order.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequest for Query {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        ready(Ok(Self(pairs.into_owned().collect())))
    }
}

impl Query {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses names that are not among these, and names given twice.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, Failure> {
        let mut faults = Vec::new();
        for (place, (name, _)) in self.0.iter().enumerate() {
            let detail = if !known.contains(&name.as_str()) {
                "There is no such parameter."
            } else if self.0.iter().take(place).any(|(other, _)| other == name) {
                "It is given twice."
            } else {
                continue;
            };
            faults.push(FieldError {
                field: name.clone(),
                detail: detail.to_owned(),
            });
        }
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(invalid(faults))
        }
    }

    /// A parameter; empty counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter that is yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(invalid(vec![FieldError {
                field: name.to_owned(),
                detail: "It is true or false.".to_owned(),
            }])),
        }
    }

    /// A parameter that is a number within bounds.
    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Failure> {
        let Some(given) = self.get(name) else {
            return Ok(None);
        };
        match given.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(vec![FieldError {
                field: name.to_owned(),
                detail: format!("It is a number from {least} to {most}."),
            }])),
        }
    }
}
