//! Forms of our pages. A form carries the visitor's token, or it is refused: another site cannot know
//! it.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web as aw};
use secrecy::SecretString;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::{FORM_BYTES, SIGN_IN_BYTES, bytes, media_type, wrong_type};
use crate::access::Access;
use crate::failure::Failure;
use crate::gate::cross_site;
use crate::web::Web;

/// The fields of a form whose token fits. Values may be secrets: not printable.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl FromRequest for Form {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = media_type(request);
        let access = request.extensions().get::<Access>().cloned();
        let token = match &access {
            Some(Access::Session(session)) => Some(session.csrf.clone()),
            Some(Access::Local | Access::Forwarded) => request
                .app_data::<aw::Data<Web>>()
                .map(|web| web.common_csrf.clone()),
            // A key is no browser's; and the sign-in has nothing to abuse yet.
            Some(Access::Key(_) | Access::Anybody) | None => None,
        };
        let sign_in = request.path().ends_with("/ui/sign-in");
        let limit = if sign_in { SIGN_IN_BYTES } else { FORM_BYTES };
        let mut payload = payload.take();
        Box::pin(async move {
            if kind != "application/x-www-form-urlencoded" {
                return Err(wrong_type("application/x-www-form-urlencoded"));
            }
            let body = bytes(&mut payload, limit).await?;
            let form = Self(form_urlencoded::parse(&body).into_owned().collect());
            if form.0.len() > 200 {
                return Err(Failure::http(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "Too large",
                    "The form has too many fields.",
                    "Send less.",
                ));
            }
            if let Some(token) = token
                && !sign_in
                && !bool::from(form.text(Self::TOKEN).as_bytes().ct_eq(token.as_bytes()))
            {
                return Err(cross_site());
            }
            Ok(form)
        })
    }
}

impl Form {
    /// The name of the token's field.
    pub(crate) const TOKEN: &str = "csrf";

    /// A field as typed; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// A field, if the form has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A field that is not blank.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        let text = self.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A secret that was typed.
    pub(crate) fn secret(&self, name: &str) -> Option<SecretString> {
        let text = self.text(name);
        (!text.is_empty()).then(|| SecretString::from(text))
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}
