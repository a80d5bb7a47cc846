//! What goes wrong in a handler, on its way out: problem documents for programs (RFC 9457). Pages
//! turn the same errors into HTML (`pages::trouble`).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use app::{Kind, UserError};
use serde_json::{Map, Value, json};

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
    pub(crate) fn problem(&self) -> Value {
        let mut problem = about(
            &self.error.code,
            &self.error.title,
            &self.error.detail,
            &self.error.action,
        );
        problem.insert("status".to_owned(), self.status.as_u16().into());
        if !self.error.fields.is_empty() {
            problem.insert("errors".to_owned(), json!(self.error.fields));
        }
        for (key, value) in &self.error.extra {
            problem.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(problem)
    }
}

/// The members every problem has; `status` is added where it is an answer's.
pub(crate) fn about(code: &str, title: &str, detail: &str, action: &str) -> Map<String, Value> {
    let members = [
        ("type", format!("urn:caldav-sync:problem:{code}")),
        ("title", title.to_owned()),
        ("detail", detail.to_owned()),
        ("code", code.to_owned()),
        ("action", action.to_owned()),
    ];
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect()
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
        response.body(self.problem().to_string())
    }
}
