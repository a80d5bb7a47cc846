//! Revocation: kills the whole grant, refresh and access tokens alike.
//!
//! Not by way of the `oauth2` crate, which refuses the loopback http of tests and demo.

use outbound::header::{CONTENT_TYPE, HeaderValue};
use outbound::{Method, Request, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};
use url::form_urlencoded;

use crate::error::{Error, Operation};
use crate::refusal::Refusal;

/// The request that revokes a token.
pub(super) fn prepare(endpoint: &Url, token: &SecretString) -> Request {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token.expose_secret())
        .finish();
    Request::new(Method::POST, endpoint.clone())
        .answer_limit(super::client::LARGEST)
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )
        .body(body)
}

/// A token that is dead already counts as revoked.
pub(super) fn parse(response: &Response) -> Result<(), Error> {
    let dead_already = response.status.as_u16() == 400
        && String::from_utf8_lossy(&response.body).contains("invalid_token");
    if response.status.is_success() || dead_already {
        Ok(())
    } else {
        Err(Error::refused(Operation::Revoke, Refusal::read(response)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::testing::answer;

    #[test]
    fn the_token_travels_in_the_body_only() {
        let url = Url::parse("https://oauth2.googleapis.com/revoke").unwrap();
        let request = prepare(&url, &SecretString::from("1//a+b"));
        assert_eq!(request.url, url);
        assert_eq!(request.body, b"token=1%2F%2Fa%2Bb");
    }

    #[test]
    fn a_dead_token_is_revoked() {
        assert!(parse(&answer(200, "{}")).is_ok());
        assert!(parse(&answer(400, r#"{"error":"invalid_token"}"#)).is_ok());
        assert!(parse(&answer(503, "oops")).is_err());
    }
}
