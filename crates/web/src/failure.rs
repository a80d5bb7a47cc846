//! What goes wrong in a handler, on its way out: problem documents for programs (RFC 9457). Pages
//! turn the same errors into HTML (`pages::trouble`).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use app::{FieldError, Kind, UserError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of RFC 9457, section 3.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// An error of a handler: a [`UserError`] with its status.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// Boxed, to keep results small.
    pub(crate) error: Box<UserError>,
}

impl Failure {
    /// An error that is about HTTP and not about calendars.
    pub(crate) fn http(
        status: StatusCode,
        code: &str,
        title: &str,
        detail: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error: Box::new(UserError::new(
                Kind::Unreadable,
                code,
                title,
                detail,
                action,
            )),
        }
    }

    /// 404: there is nothing at this address.
    pub(crate) fn no_such_path() -> Self {
        Self::http(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "There is nothing at this address.",
            "Check the address and the method.",
        )
    }

    /// The problem document.
    pub(crate) fn problem(&self) -> Problem<'_> {
        Problem {
            kind: problem_type(&self.error.code),
            title: &self.error.title,
            status: self.status.as_u16(),
            detail: &self.error.detail,
            code: &self.error.code,
            action: &self.error.action,
            errors: self.error.fields.iter().map(Into::into).collect(),
            more: &self.error.extra,
        }
    }
}

/// An error (RFC 9457). Some have further members: `mapping_ids` says which mappings use an account,
/// `current_id` and `current_ids` what took the place of something that changed, `id` and
/// `mapping_id` what is there already, `fingerprint` the certificate that a server showed and
/// `trusted_fingerprint` the one that it should have shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem<'a> {
    /// Stands for `code`; nothing is to be fetched there.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "urn:caldav-sync:problem:not_found")]
    kind: String,
    /// A few words, the same for every error of this code.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What happened in this very case.
    detail: &'a str,
    /// Stable, snake case.
    code: &'a str,
    /// What to do next.
    action: &'a str,
    /// Every member or parameter at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FaultDto<'a>>,
    #[serde(flatten)]
    #[schema(ignore)]
    more: &'a Map<String, Value>,
}

/// A member or parameter at fault.
#[derive(Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultDto<'a> {
    /// Its name; empty when it is the body as a whole.
    field: &'a str,
    /// What is wrong with it.
    detail: &'a str,
}

impl<'a> From<&'a FieldError> for FaultDto<'a> {
    fn from(fault: &'a FieldError) -> Self {
        Self {
            field: &fault.field,
            detail: &fault.detail,
        }
    }
}

/// The `type` of a problem with this code.
pub(crate) fn problem_type(code: &str) -> String {
    format!("urn:caldav-sync:problem:{code}")
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self {
            status: match error.kind {
                Kind::Unreadable => StatusCode::BAD_REQUEST,
                Kind::NotFound => StatusCode::NOT_FOUND,
                Kind::Conflict => StatusCode::CONFLICT,
                Kind::Unacceptable => StatusCode::UNPROCESSABLE_ENTITY,
                Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
            error: Box::new(error),
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((header::CONTENT_TYPE, PROBLEM));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"caldav-sync\""));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                response.insert_header((header::RETRY_AFTER, "6"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, "30"));
            }
            _ => {}
        }
        // Plain texts and numbers always serialise.
        response.body(serde_json::to_string(&self.problem()).unwrap_or_default())
    }
}
