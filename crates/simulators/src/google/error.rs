//! Google's error bodies, exactly: one value per refusal, rendered at the edge.
//! Made by every part of the core.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::wire::Response;

/// A refusal of the simulated API, as Google words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}: {message}")]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// `global`, `calendar` or `usageLimits`.
    pub domain: Cow<'static, str>,
    /// `errors[0].reason`, what clients branch on.
    pub reason: Cow<'static, str>,
    /// The text.
    pub message: String,
    /// `locationType` and `location`, where Google gives them.
    pub location: Option<Box<(&'static str, String)>>,
    /// The ErrorInfo reason and `status` of newer bodies.
    pub info: Option<&'static (&'static str, &'static str)>,
    /// Seconds of a Retry-After header.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// A refusal in domain `global` without a location.
    pub(super) fn new(
        status: u16,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            domain: Cow::Borrowed("global"),
            reason: reason.into(),
            message: message.into(),
            location: None,
            info: None,
            retry_after: None,
        }
    }

    pub(super) fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = domain.into();
        self
    }

    pub(super) fn at(mut self, kind: &'static str, location: impl Into<String>) -> Self {
        self.location = Some(Box::new((kind, location.into())));
        self
    }

    /// 400 `invalid`.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message)
    }

    /// 400 `required`.
    pub(super) fn required(message: impl Into<String>) -> Self {
        Self::new(400, "required", message)
    }

    /// 400 `invalidParameter` at a query parameter.
    pub(super) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalidParameter", message).at("parameter", name)
    }

    /// 400 `badRequest`: a combination that is not allowed.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "badRequest", message)
    }

    /// 400 `timeRangeEmpty`.
    pub(super) fn time_range_empty() -> Self {
        Self::new(400, "timeRangeEmpty", "The specified time range is empty.").domain("calendar")
    }

    /// 404 `notFound`.
    pub(super) fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }

    /// 409 `duplicate`.
    pub(super) fn duplicate() -> Self {
        Self::new(409, "duplicate", "The requested identifier already exists.")
    }

    /// 410 `deleted`.
    pub(super) fn deleted() -> Self {
        Self::new(410, "deleted", "Resource has been deleted")
    }

    /// 410 `fullSyncRequired`.
    pub(super) fn full_sync_required() -> Self {
        Self::new(
            410,
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
        )
        .domain("calendar")
        .at("parameter", "syncToken")
    }

    /// 412 `conditionNotMet`.
    pub(super) fn condition_not_met() -> Self {
        Self::new(412, "conditionNotMet", "Precondition Failed").at("header", "If-Match")
    }

    /// 403 `requiredAccessLevel`.
    pub(super) fn access_level() -> Self {
        Self::new(
            403,
            "requiredAccessLevel",
            "You need to have writer access to this calendar.",
        )
        .domain("calendar")
    }

    /// 401 `authError`.
    pub(super) fn auth() -> Self {
        Self::new(401, "authError", "Invalid Credentials").at("header", "Authorization")
    }

    /// 501 for what the simulator does not do.
    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(
            501,
            "notImplemented",
            format!("The simulator does not implement {what}."),
        )
    }

    /// The JSON body.
    pub(super) fn body(&self) -> Value {
        let mut first = json!({
            "domain": self.domain,
            "reason": self.reason,
            "message": self.message,
        });
        if let (Some((kind, place)), Some(map)) = (self.location.as_deref(), first.as_object_mut())
        {
            map.insert("locationType".into(), json!(kind));
            map.insert("location".into(), json!(place));
        }
        let mut error = json!({
            "errors": [first],
            "code": self.status,
            "message": self.message,
        });
        if let (Some((reason, status)), Some(map)) = (self.info, error.as_object_mut()) {
            map.insert("status".into(), json!(status));
            map.insert(
                "details".into(),
                json!([{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": reason,
                    "domain": "googleapis.com",
                    "metadata": {"service": "calendar-json.googleapis.com"},
                }]),
            );
        }
        json!({ "error": error })
    }

    /// The whole response.
    pub(super) fn response(&self) -> Response {
        let mut response = Response::json(self.status, &self.body());
        if self.status == 401 {
            response = response.with(
                "www-authenticate",
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            );
        }
        if let Some(seconds) = self.retry_after {
            response = response.with("retry-after", seconds.to_string());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_googles_shape() {
        let body = ApiError::full_sync_required().body();
        assert_eq!(
            body,
            json!({"error": {
                "errors": [{
                    "domain": "calendar",
                    "reason": "fullSyncRequired",
                    "message": "Sync token is no longer valid, a full sync is required.",
                    "locationType": "parameter",
                    "location": "syncToken",
                }],
                "code": 410,
                "message": "Sync token is no longer valid, a full sync is required.",
            }})
        );
    }

    #[test]
    fn a_401_names_the_scheme() {
        let response = ApiError::auth().response();
        assert!(
            response
                .headers
                .iter()
                .any(|(k, _)| *k == "www-authenticate")
        );
    }
}
