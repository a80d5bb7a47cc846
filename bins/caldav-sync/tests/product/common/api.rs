//! The REST API as a script uses it, and the way through the Google sign-in as a browser goes it,
//! with plain requests.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::canary;

/// The API with a key.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: Client,
    base: String,
    key: String,
}

impl Api {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        Self {
            http: plain_client(),
            base: base.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Any request: status and body.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        if let Some(body) = body {
            canary::sent(body);
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        canary::answered(&format!("{method} {path}"), &text);
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, body)
    }

    /// A GET that must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.request(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {body:#}");
        body
    }

    /// A POST, whatever comes of it.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request(Method::POST, path, Some(body)).await
    }

    /// A POST that must be answered with this status.
    pub(crate) async fn post_for(&self, status: u16, path: &str, body: &Value) -> Value {
        let (found, answer) = self.post(path, body).await;
        assert_eq!(found, status, "POST {path}: {answer:#}");
        answer
    }

    /// Runs a mapping and waits: the RUN.
    pub(crate) async fn sync(&self, mapping: &str) -> Value {
        let asked = json!({ "mapping_id": mapping, "wait": true });
        let mut answer = self.post_for(200, "/sync", &asked).await;
        answer["runs"][0].take()
    }

    /// Runs a mapping, which must succeed.
    pub(crate) async fn sync_well(&self, mapping: &str) -> Value {
        let run = self.sync(mapping).await;
        assert_eq!(run["status"], "success", "{run:#}");
        run
    }
}

/// A browser without a window: follows redirects by hand, keeps cookies by host.
#[derive(Debug)]
pub(crate) struct Browser {
    http: Client,
    key: String,
    cookies: Vec<(String, String, String)>,
}

impl Browser {
    pub(crate) fn new(key: &str) -> Self {
        Self {
            http: plain_client(),
            key: key.to_owned(),
            cookies: Vec::new(),
        }
    }

    /// Goes to an address and on to where it leads; the last URL, status and page. `ours` is the
    /// address that the key is sent to.
    pub(crate) async fn follow(&mut self, start: &str, ours: &str) -> (Url, StatusCode, String) {
        let mut url = Url::parse(start).unwrap();
        for _ in 0..10 {
            let origin = url.origin().ascii_serialization();
            let mut request = self.http.get(url.clone());
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .filter(|(host, ..)| *host == origin)
                .map(|(_, name, value)| format!("{name}={value}"))
                .collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            // A browser would have a session; the key does the same for one request.
            if origin == ours && url.path() == "/oauth/start" {
                request = request.bearer_auth(&self.key);
            }
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = cookie.split_once('=').unwrap();
                canary::secret("a cookie", value);
                self.cookies
                    .retain(|(host, known, _)| *host != origin || known != name);
                self.cookies
                    .push((origin.clone(), name.to_owned(), value.to_owned()));
            }
            if !answer.status().is_redirection() {
                let status = answer.status();
                let page = answer.text().await.unwrap();
                if origin == ours {
                    canary::answered(url.path(), &page);
                }
                return (url, status, page);
            }
            let next = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
            url = url.join(next).unwrap();
            // What comes after the way back is a page that needs a session.
            if url.path().starts_with("/ui/") {
                return (url, StatusCode::OK, String::new());
            }
        }
        panic!("{start} leads in a circle, at last to {url}");
    }
}

/// A client that follows nothing by itself.
pub(crate) fn plain_client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
