//! Query parameters held against the discovery document: unknown names,
//! wrong types and values outside an enumeration are refused here, once, for
//! every method.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::error::ApiError;
use super::facts::{Kind, Method, facts};
use super::times;

/// The checked parameters of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params(BTreeMap<String, Vec<String>>);

impl Params {
    /// Checks `query` for `method`. Without `strict`, unknown names pass.
    pub(super) fn read(
        method: &Method,
        query: &[(String, String)],
        strict: bool,
    ) -> Result<Self, ApiError> {
        let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in query {
            let Some(spec) = method.query.get(name) else {
                if facts().common.contains(name) {
                    out.entry(name.clone()).or_default().push(value.clone());
                } else if strict {
                    return Err(ApiError::parameter(
                        name,
                        format!("Invalid parameter: unknown name \"{name}\"."),
                    ));
                }
                continue;
            };
            let bad = || {
                ApiError::parameter(
                    name,
                    format!("Invalid value '{value}' for parameter {name}."),
                )
            };
            let fits = match spec.kind {
                Kind::Boolean => matches!(value.as_str(), "true" | "false"),
                Kind::Integer => value
                    .parse::<i32>()
                    .is_ok_and(|n| spec.minimum.is_none_or(|low| i64::from(n) >= low)),
                Kind::DateTime => times::offset_time(value).is_some(),
                _ => spec.values.is_empty() || spec.values.contains(value),
            };
            if !fits {
                return Err(bad());
            }
            let slot = out.entry(name.clone()).or_default();
            if !slot.is_empty() && !spec.repeated {
                return Err(bad());
            }
            slot.push(value.clone());
        }
        let absent = method
            .query
            .iter()
            .find(|(name, spec)| spec.required && !out.contains_key(*name));
        if let Some((name, _)) = absent {
            return Err(
                ApiError::required(format!("Missing required parameter: {name}"))
                    .at("parameter", name.as_str()),
            );
        }
        let out = Self(out);
        out.zone()?;
        Ok(out)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }

    pub(super) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn instant(&self, name: &str) -> Option<Timestamp> {
        times::offset_time(self.text(name)?)
    }

    /// The `timeZone` parameter.
    pub(super) fn zone(&self) -> Result<Option<TimeZone>, ApiError> {
        match self.text("timeZone") {
            Some(name) => times::zone(name)
                .map(Some)
                .ok_or_else(|| ApiError::parameter("timeZone", "Invalid time zone.")),
            None => Ok(None),
        }
    }

    /// A canonical line of all parameters that mean something to the method,
    /// but for those named.
    pub(super) fn canonical(&self, without: &[&str]) -> String {
        let mut out = String::new();
        for (name, values) in &self.0 {
            if without.contains(&name.as_str()) || facts().common.contains(name) {
                continue;
            }
            for value in values {
                out.push_str(name);
                out.push('=');
                out.push_str(value);
                out.push('&');
            }
        }
        out
    }
}
