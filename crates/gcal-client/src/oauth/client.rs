//! The OAuth messages: where to send the browser, what to exchange a code and a refresh token for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use outbound::header::USER_AGENT;
use outbound::{Request, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;

use super::scope::Scope;
use super::tokens::Tokens;
use super::{callback, revoke};
use crate::error::{Error, Operation};
use crate::refusal::Refusal;
use crate::session::user_agent;
use crate::time::later;
use crate::transport::Transport;

/// Where Google is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// `GOOGLE_AUTH_URI`: the page the browser is sent to.
    pub auth: Url,
    /// `GOOGLE_TOKEN_URI`.
    pub token: Url,
    /// `GOOGLE_REVOKE_URI`.
    pub revoke: Url,
    /// `GOOGLE_API_URL`: the Calendar API's root.
    pub api: Url,
}

impl Endpoints {
    /// Google's own.
    ///
    /// # Errors
    /// None in practice: the addresses are constants.
    pub fn google() -> Result<Self, Error> {
        let url = |text: &str| {
            Url::parse(text).map_err(|error| Error::setup(format!("{text} is no address: {error}")))
        };
        Ok(Self {
            auth: url("https://accounts.google.com/o/oauth2/v2/auth")?,
            token: url("https://oauth2.googleapis.com/token")?,
            revoke: url("https://oauth2.googleapis.com/revoke")?,
            api: url("https://www.googleapis.com/calendar/v3")?,
        })
    }
}

/// Bytes of an answer with tokens.
pub(super) const LARGEST: usize = 64 * 1024;

/// The beginning of a sign-in. State and verifier belong to the browser's session, for ten minutes
/// and one use.
#[derive(Debug, Clone)]
pub struct SignInStart {
    /// Where to send the browser.
    pub url: Url,
    /// Comes back with the code.
    pub state: SecretString,
    /// Proves that whoever brings the code began the sign-in (PKCE).
    pub verifier: SecretString,
}

/// What Google adds to the standard token answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    refresh_token_expires_in: Option<u64>,
}
impl ExtraTokenFields for Extra {}

type TokenAnswer = StandardTokenResponse<Extra, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Our OAuth client at Google.
pub(crate) struct OAuth {
    client: Client,
    revoke: Url,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").finish_non_exhaustive()
    }
}

impl OAuth {
    pub(crate) fn new(
        client_id: &str,
        client_secret: &SecretString,
        endpoints: &Endpoints,
        transport: Arc<dyn Transport>,
    ) -> Self {
        let client = oauth2::Client::new(ClientId::new(client_id.to_owned()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(endpoints.auth.clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token.clone()));
        Self {
            client,
            revoke: endpoints.revoke.clone(),
            transport,
        }
    }

    /// Where to send the browser.
    pub(crate) fn begin(&self, redirect: &Url, login_hint: Option<&str>) -> SignInStart {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self
            .client
            .clone()
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(Scope::NEEDED.map(|scope| oauth2::Scope::new(scope.url())))
            .set_pkce_challenge(challenge)
            // A refresh token comes only with these two.
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .add_extra_param("include_granted_scopes", "true");
        if let Some(hint) = login_hint {
            request = request.add_extra_param("login_hint", hint.to_owned());
        }
        let (url, state) = request.url();
        SignInStart {
            url,
            state: state.secret().clone().into(),
            verifier: verifier.secret().clone().into(),
        }
    }

    /// Exchanges a code. Missing permissions are an error.
    pub(crate) async fn exchange(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let client = self
            .client
            .clone()
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
            .request_async(&Adapter(self.transport.as_ref()))
            .await
            .map_err(|error| {
                understand(error, || Error::SignInFailed {
                    code: "code_refused",
                    why: "Google did not take the code: it is used already, or too old".to_owned(),
                })
            })?;
        let scopes = scopes(&answer).unwrap_or_default();
        let missing = Scope::missing_from(&scopes);
        if !missing.is_empty() {
            return Err(Error::ScopesMissing { missing });
        }
        let refresh = answer
            .refresh_token()
            .ok_or_else(|| callback::failed("no_refresh_token", "Google gave no refresh token"))?;
        Ok(Tokens {
            access: answer.access_token().secret().clone().into(),
            expires_at: expiry(&answer, now),
            refresh: refresh.secret().clone().into(),
            refresh_expires_at: refresh_expiry(&answer, now),
            granted_at: Some(now),
            scopes,
        })
    }

    /// Buys a new access token. The refresh token in the result may be a new one.
    pub(crate) async fn refresh(&self, tokens: &Tokens, now: Timestamp) -> Result<Tokens, Error> {
        let answer = self
            .client
            .exchange_refresh_token(&RefreshToken::new(
                tokens.refresh.expose_secret().to_owned(),
            ))
            .request_async(&Adapter(self.transport.as_ref()))
            .await
            .map_err(|error| {
                understand(error, || Error::SignInEnded {
                    why: tokens.likely_end(now),
                })
            })?;
        Ok(Tokens {
            access: answer.access_token().secret().clone().into(),
            expires_at: expiry(&answer, now),
            refresh: answer
                .refresh_token()
                .map_or_else(|| tokens.refresh.clone(), |new| new.secret().clone().into()),
            refresh_expires_at: refresh_expiry(&answer, now).or(tokens.refresh_expires_at),
            granted_at: tokens.granted_at,
            scopes: scopes(&answer).unwrap_or_else(|| tokens.scopes.clone()),
        })
    }

    /// Revokes the grant behind a token.
    pub(crate) async fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        let request = revoke::prepare(&self.revoke, token).header(USER_AGENT, user_agent());
        let response = self
            .transport
            .send(request)
            .await
            .map_err(|source| Error::Unreachable {
                operation: Operation::Revoke,
                source,
            })?;
        revoke::parse(&response)
    }
}

fn scopes(answer: &TokenAnswer) -> Option<Vec<String>> {
    answer.scopes().map(|scopes| {
        scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect()
    })
}

fn expiry(answer: &TokenAnswer, now: Timestamp) -> Timestamp {
    later(
        now,
        answer.expires_in().unwrap_or(Duration::from_secs(3599)),
    )
}

fn refresh_expiry(answer: &TokenAnswer, now: Timestamp) -> Option<Timestamp> {
    answer
        .extra_fields()
        .refresh_token_expires_in
        .map(|seconds| later(now, Duration::from_secs(seconds)))
}

/// Why the token endpoint gave no token.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    #[error("no answer")]
    Unreachable(#[source] outbound::Error),
    #[error("server trouble")]
    Trouble(Refusal),
    #[error("an answer that is no answer")]
    Malformed,
}

/// Sorts the token endpoint's errors; `grant_refused` says what `invalid_grant` means here.
fn understand(
    error: RequestTokenError<NoToken, BasicErrorResponse>,
    grant_refused: impl FnOnce() -> Error,
) -> Error {
    let unintelligible = || Error::Unintelligible {
        operation: Operation::Token,
        detail: "not what the token endpoint promises".to_owned(),
    };
    match error {
        RequestTokenError::Request(NoToken::Unreachable(source)) => Error::Unreachable {
            operation: Operation::Token,
            source,
        },
        RequestTokenError::Request(NoToken::Trouble(refusal)) => {
            Error::refused(Operation::Token, refusal)
        }
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            BasicErrorResponseType::InvalidGrant => grant_refused(),
            BasicErrorResponseType::InvalidClient => {
                Error::setup("Google does not know this client id with this secret.")
            }
            BasicErrorResponseType::UnauthorizedClient => {
                Error::setup("This client id may not be used this way.")
            }
            other => Error::setup(format!(
                "Google's token endpoint refused the request: {}.",
                other.as_ref()
            )),
        },
        RequestTokenError::Request(NoToken::Malformed)
        | RequestTokenError::Parse(..)
        | RequestTokenError::Other(_) => unintelligible(),
    }
}

/// Lets the `oauth2` crate send through our transport.
struct Adapter<'t>(&'t dyn Transport);

impl<'c> AsyncHttpClient<'c> for Adapter<'_> {
    type Error = NoToken;
    type Future = BoxFuture<'c, Result<HttpResponse, NoToken>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let request = outgoing(request).ok_or(NoToken::Malformed)?;
            let response = self.0.send(request).await.map_err(NoToken::Unreachable)?;
            // 429 and 5xx say nothing about the grant, whatever their body looks like.
            let status = response.status;
            if status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 403 {
                return Err(NoToken::Trouble(Refusal::read(&response)));
            }
            Ok(incoming(response))
        }
        .boxed()
    }
}

fn outgoing(request: HttpRequest) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).ok()?;
    let mut request = Request::new(parts.method, url).answer_limit(LARGEST);
    request.headers = parts.headers;
    Some(request.header(USER_AGENT, user_agent()).body(body))
}

fn incoming(response: Response) -> HttpResponse {
    let mut answer = HttpResponse::new(response.body);
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    answer
}
