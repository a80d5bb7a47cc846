//! Reading requests: JSON bodies with every fault named, query strings, forms with their token.
//! Limits on bytes and time; nothing unknown is taken silently.

mod form;
mod json;
mod params;
mod query;

pub(crate) use form::Form;
pub(crate) use json::{Body, optional};
pub(crate) use params::{Limit, Nothing, Params, flag};
pub(crate) use query::Query;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, dev::Payload};
use futures_util::StreamExt as _;

use crate::failure::Failure;

/// Bytes of a JSON body at most.
const JSON_BYTES: usize = 64 * 1024;
/// Bytes of a form at most.
pub(crate) const FORM_BYTES: usize = 16 * 1024;
/// Bytes of the sign-in form at most: anybody may send it. A key of 512 characters fits, each of them
/// percent-encoded, beside the other fields.
pub(crate) const SIGN_IN_BYTES: usize = 4 * 1024;
/// Bytes at most of a body that is not looked at.
const IGNORED_BYTES: usize = 4 * 1024 * 1024;
/// Time for a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a body within its limits.
pub(crate) async fn bytes(payload: &mut Payload, limit: usize) -> Result<Bytes, Failure> {
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|_| {
                Failure::http(
                    StatusCode::BAD_REQUEST,
                    "unreadable",
                    "Not readable",
                    "The body of the request broke off.",
                    "Send the request again.",
                )
            })?;
            if body.len() + piece.len() > limit {
                return Err(Failure::http(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "Too large",
                    format!("The body of the request is larger than {limit} bytes."),
                    "Send less.",
                ));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap_or_else(|_| {
            Err(Failure::http(
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "Too slow",
                "The body of the request did not come in time.",
                "Send the request again.",
            ))
        })
}

/// Lets a body that nobody wants to know go by: whoever sends one may listen to the answer only when
/// he is rid of it. What is too large or too slow is left where it is, and the connection ends with
/// the answer.
pub(crate) async fn ignore(payload: actix_web::web::Payload) {
    let mut payload = payload.into_inner();
    let mut left = IGNORED_BYTES;
    let passing = async {
        while let Some(Ok(piece)) = payload.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    // However it ended, the answer is the same.
    let _ = tokio::time::timeout(PATIENCE, passing).await;
}

/// The media type of a request, in lower case and without parameters; empty when it has none.
pub(crate) fn media_type(request: &HttpRequest) -> String {
    let given = request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// 415.
pub(crate) fn wrong_type(wanted: &str) -> Failure {
    Failure::http(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Unsupported media type",
        format!("The body is not {wanted}."),
        format!("Send it as \"Content-Type: {wanted}\"."),
    )
}
