//! Behind real reverse proxies: nginx and Caddy, set up as carelessly as can be and as `docker/proxy`
//! documents it, at the root and below a path.
//!
//! The visitor goes in by the proxy's https port under the name that `BASE_URL` has, as a browser
//! does. The certificates are the proxies' own; what is tested is what comes through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode};
use serde_json::json;
use simulators::google::Consent;
use testkit::{Place, ReverseProxy, workspace_root};
use url::Url;

use crate::common::{ACCOUNT, KEY, Stage};

/// Another address than the program's own, as far as one machine has one.
const ELSEWHERE: IpAddr = IpAddr::V4(if cfg!(target_os = "linux") {
    Ipv4Addr::new(127, 0, 0, 2)
} else {
    Ipv4Addr::LOCALHOST
});

/// How long a proxy may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

fn client() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

/// A browser that finds one host at the proxy.
struct Visitor {
    http: Client,
    /// `BASE_URL`.
    base: String,
    cookies: Vec<(String, String)>,
}

/// An answer, read.
struct Answer {
    status: StatusCode,
    location: String,
    set_cookie: String,
    text: String,
}

impl Visitor {
    fn new(base: &str, proxy: SocketAddr) -> Self {
        let host = Url::parse(base).unwrap();
        let http = client()
            .resolve(host.host_str().unwrap(), proxy)
            .local_address(ELSEWHERE)
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            cookies: Vec::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let url = if path.starts_with("https:") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let request = self.http.request(method, url);
        if cookies.is_empty() {
            request
        } else {
            request.header(COOKIE, cookies.join("; "))
        }
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        // Caddy takes connections before it has signed its certificate.
        let started = Instant::now();
        let answer = loop {
            match request.try_clone().unwrap().send().await {
                Err(error) if error.is_connect() && started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => break answer.unwrap(),
            }
        };
        let mut set_cookie = String::new();
        for set in answer.headers().get_all(SET_COOKIE) {
            set_cookie = set.to_str().unwrap().to_owned();
            let (name, value) = set_cookie
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let location = answer.headers().get(LOCATION);
        Answer {
            status: answer.status(),
            location: location.map_or_else(String::new, |to| to.to_str().unwrap().to_owned()),
            set_cookie,
            text: answer.text().await.unwrap(),
        }
    }

    async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Posts a form as a browser does from one of our pages.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = Url::parse(&self.base).unwrap().origin();
        let request = self
            .request(Method::POST, path)
            .header("origin", origin.ascii_serialization())
            .header("sec-fetch-site", "same-origin")
            .form(fields);
        self.send(request).await
    }
}

/// What lets nobody in without a key.
const CLOSED: [(Method, &str); 7] = [
    (Method::GET, "/status"),
    (Method::GET, "/ui/"),
    (Method::POST, "/sync"),
    (Method::GET, "/oauth/start"),
    (Method::GET, "/settings"),
    (Method::GET, "/keys"),
    (Method::POST, "/ui/sync"),
];

/// Whatever a visitor says about himself, he needs the key.
async fn nothing_comes_in(visitor: &mut Visitor, port: u16) {
    let own = format!("localhost:{port}");
    let claims: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1")],
        &[("x-forwarded-host", &own), ("forwarded", "for=127.0.0.1")],
        &[("sec-fetch-site", "none"), ("remote-user", "admin")],
    ];
    for (method, path) in CLOSED {
        for claim in claims {
            let request = match method {
                // HTTP/1.0, which nginx speaks unless told otherwise, wants to know the length.
                Method::POST => visitor.request(Method::POST, path).body("{}"),
                _ => visitor.request(method.clone(), path),
            };
            let request = claim.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let answer = visitor.send(request).await;
            let led = answer.location.contains("/ui/sign-in");
            let misdirected = answer.status == StatusCode::MISDIRECTED_REQUEST;
            assert!(
                answer.status == 401 || led || misdirected,
                "{method} {path} {claim:?}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
    let request = visitor.request(Method::GET, "/status").bearer_auth(KEY);
    assert_eq!(visitor.send(request).await.status, 200);
}

fn bare_nginx(port: u16) -> ReverseProxy {
    ReverseProxy::nginx(|place| {
        format!(
            "server {{ listen 127.0.0.1:{}; location / {{ proxy_pass http://127.0.0.1:{port}; }} }}",
            place.http
        )
    })
}

fn bare_caddy(port: u16) -> ReverseProxy {
    ReverseProxy::caddy(|place| format!(":{} {{\n\treverse_proxy 127.0.0.1:{port}\n}}", place.http))
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_proxies_that_say_nothing_everybody_needs_the_key_once_base_url_is_set() {
    let stage = Stage::start_with(&[("BASE_URL", "https://cal.example.org")]);
    let port = stage.program().port();
    for proxy in [bare_nginx(port), bare_caddy(port)] {
        let base = format!("http://{}", proxy.http());
        let mut visitor = Visitor::new(&base, proxy.http());
        nothing_comes_in(&mut visitor, port).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_nobody_told_of_ends_the_exemption() {
    let stage = Stage::start();
    let port = stage.program().port();
    let direct = client().build().unwrap();
    let ask = async || {
        let url = format!("http://localhost:{port}/status");
        direct.get(url).send().await.unwrap().status()
    };
    assert!(
        stage
            .program()
            .log()
            .contains("requests from this computer need no key")
    );
    assert_eq!(ask().await, 200);
    let caddy = bare_caddy(port);
    let mut visitor = Visitor::new(&format!("http://{}", caddy.http()), caddy.http());
    nothing_comes_in(&mut visitor, port).await;
    assert_eq!(ask().await, 401, "it is over for everybody");
    let words = "came through a proxy";
    let log = stage.program().log_with(words).await;
    assert_eq!(log.matches(words).count(), 1, "{log}");
}

/// The documented file with the test's ports and certificate in the places of the real ones.
fn documented(file: &str, replacements: &[(&str, String)]) -> String {
    let path = workspace_root().join("docker/proxy").join(file);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from:?} is not in {}", path.display());
        text = text.replace(from, to);
    }
    text
}

fn nginx_at_the_root(place: &Place, port: u16) -> String {
    let (certificate, key) = place.certificate(&["cal.example.org"]);
    documented(
        "nginx.conf",
        &[
            ("listen 80;", format!("listen 127.0.0.1:{};", place.http)),
            ("listen [::]:80;", String::new()),
            (
                "listen 443 ssl;",
                format!("listen 127.0.0.1:{} ssl;", place.https),
            ),
            ("listen [::]:443 ssl;", String::new()),
            (
                "/etc/ssl/cal.example.org/fullchain.pem",
                certificate.display().to_string(),
            ),
            (
                "/etc/ssl/cal.example.org/privkey.pem",
                key.display().to_string(),
            ),
            ("127.0.0.1:8080", format!("127.0.0.1:{port}")),
        ],
    )
}

fn nginx_below_a_path(place: &Place, port: u16) -> String {
    let (certificate, key) = place.certificate(&["example.org"]);
    let locations = documented(
        "nginx-path.conf",
        &[("127.0.0.1:8080", format!("127.0.0.1:{port}"))],
    );
    format!(
        "server {{\nlisten 127.0.0.1:{} ssl;\nserver_name example.org;\nssl_certificate {};\n\
         ssl_certificate_key {};\n{locations}\n}}",
        place.https,
        certificate.display(),
        key.display()
    )
}

fn caddy(file: &'static str, port: u16) -> ReverseProxy {
    ReverseProxy::caddy(|_| documented(file, &[("127.0.0.1:8080", format!("127.0.0.1:{port}"))]))
}

fn behind(base: &str) -> (Stage, u16) {
    let stage = Stage::start_with(&[("BASE_URL", base), ("TRUSTED_PROXIES", "127.0.0.1/32")]);
    let port = stage.program().port();
    (stage, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_as_documented() {
    let (stage, port) = behind("https://cal.example.org");
    let proxy = ReverseProxy::nginx(|place| nginx_at_the_root(place, port));
    everything_works(&stage, "https://cal.example.org", &proxy).await;
    // http leads to https.
    let http = client()
        .build()
        .unwrap()
        .get(format!("http://{}/ui/", proxy.http()));
    let led = http.header("host", "cal.example.org").send().await.unwrap();
    assert_eq!(led.headers()[LOCATION], "https://cal.example.org/ui/");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_as_documented_below_a_path() {
    let (stage, port) = behind("https://example.org/cal");
    let proxy = ReverseProxy::nginx(|place| nginx_below_a_path(place, port));
    everything_works(&stage, "https://example.org/cal", &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_as_documented() {
    let (stage, port) = behind("https://cal.example.org");
    let proxy = caddy("Caddyfile", port);
    everything_works(&stage, "https://cal.example.org", &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_as_documented_below_a_path() {
    let (stage, port) = behind("https://example.org/cal");
    let proxy = caddy("Caddyfile-path", port);
    everything_works(&stage, "https://example.org/cal", &proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_signs_people_in_as_documented() {
    let base = "http://127.0.0.1";
    let stage = Stage::start_with(&[
        ("BASE_URL", "https://cal.example.org"),
        ("TRUSTED_PROXIES", "127.0.0.1/32"),
        ("FORWARD_AUTH_HEADER", "Remote-User"),
    ]);
    let port = stage.program().port();
    let readme = documented("README.md", &[]);
    let (_, lines) = readme.split_once("```nginx\n").unwrap();
    let lines = lines.split("```").next().unwrap();
    let proxy = ReverseProxy::nginx(|place| {
        let people = place.folder.join("people");
        std::fs::write(&people, "ada:{PLAIN}secret\n").unwrap();
        format!(
            "server {{ listen 127.0.0.1:{}; location / {{ proxy_pass http://127.0.0.1:{port}; {} }} }}",
            place.http,
            lines.replace("/etc/nginx/people", &people.display().to_string())
        )
    });
    let base = format!("{base}:{}", proxy.http().port());
    let mut visitor = Visitor::new(&base, proxy.http());
    let forged = visitor
        .request(Method::GET, "/status")
        .header("remote-user", "ada");
    assert_eq!(visitor.send(forged).await.status, 401);
    let ada = |visitor: &Visitor, path| {
        visitor
            .request(Method::GET, path)
            .basic_auth("ada", Some("secret"))
    };
    let page = ada(&visitor, "/ui/");
    assert_eq!(visitor.send(page).await.status, 200);
    let status = ada(&visitor, "/status");
    assert_eq!(visitor.send(status).await.status, 200);
    // Who may come in is decided with the key alone.
    let keys = ada(&visitor, "/keys");
    assert_eq!(visitor.send(keys).await.status, 401);
    // Past the proxy the header is worth nothing.
    let direct = client().local_address(ELSEWHERE).build().unwrap();
    let direct = direct.get(format!("http://127.0.0.1:{port}/status"));
    let direct = direct.header("remote-user", "ada").send().await.unwrap();
    assert_eq!(direct.status(), 401);
    let words = "not in TRUSTED_PROXIES";
    let log = stage.program().log_with(words).await;
    assert_eq!(log.matches(words).count(), 1, "{log}");
}

/// Signing in, a form, Google and back: all under `BASE_URL`, and nothing of what is behind shows.
async fn everything_works(stage: &Stage, base: &str, proxy: &ReverseProxy) {
    let port = stage.program().port();
    let prefix = Url::parse(base)
        .unwrap()
        .path()
        .trim_end_matches('/')
        .to_owned();
    let mut visitor = Visitor::new(base, proxy.https());
    nothing_comes_in(&mut visitor, port).await;

    // To the sign-in, from the very address without its last slash.
    let mut at = base.to_owned();
    for _ in 0..4 {
        let answer = visitor.get(&at).await;
        if answer.status == 200 {
            no_leak(&answer.text, &prefix, port);
            break;
        }
        assert!(answer.status.is_redirection(), "{at}: {}", answer.text);
        no_leak(&answer.location, &prefix, port);
        at = Url::parse(&at)
            .unwrap()
            .join(&answer.location)
            .unwrap()
            .into();
    }
    assert_eq!(at, format!("{base}/ui/sign-in"));

    // A guess: the log names the visitor, not the proxy, nor whom he claims to be.
    let guess = visitor
        .request(Method::POST, "/ui/sign-in")
        .header("x-forwarded-for", "198.51.100.7")
        .form(&[("key", "guess")]);
    assert_eq!(visitor.send(guess).await.status, 422);
    let refusal = format!("a wrong key was refused client={ELSEWHERE}");
    stage.program().log_with(&refusal).await;

    let signed_in = visitor.post("/ui/sign-in", &[("key", KEY)]).await;
    assert_eq!(
        signed_in.location,
        format!("{prefix}/ui/"),
        "{}",
        signed_in.text
    );
    let (name, path) = if prefix.is_empty() {
        ("__Host-", "Path=/;")
    } else {
        ("__Secure-", "Path=/cal;")
    };
    let set = &signed_in.set_cookie;
    assert!(
        set.starts_with(name) && set.contains(path) && set.contains("Secure"),
        "{set}"
    );

    for page in [
        "/ui/",
        "/ui/mappings",
        "/ui/google",
        "/ui/settings/access",
        "/ui/settings",
    ] {
        let answer = visitor.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        no_leak(&answer.text, &prefix, port);
    }
    let settings = visitor.get("/ui/settings").await.text;
    let (_, token) = settings.split_once("name=\"csrf\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let fields = [("csrf", token), ("interval_seconds", "777")];
    let saved = visitor.post("/ui/settings", &fields).await;
    assert_eq!(
        saved.location,
        format!("{prefix}/ui/settings?done=settings-changed")
    );
    let changed = visitor.request(Method::GET, "/settings").bearer_auth(KEY);
    assert!(visitor.send(changed).await.text.contains("777"));

    stage.google.consent(Consent::all(ACCOUNT));
    let begun = visitor.get("/oauth/start").await;
    let google = Url::parse(&begun.location).unwrap();
    let redirect = google
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri");
    assert_eq!(redirect.unwrap().1, format!("{base}/oauth/callback"));
    let consented = client().build().unwrap().get(google).send().await.unwrap();
    let callback = consented.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(
        callback.starts_with(&format!("{base}/oauth/callback?")),
        "{callback}"
    );
    let back = visitor.get(&callback).await;
    assert_eq!(
        back.location,
        format!("{prefix}/ui/google?done=connected"),
        "{}",
        back.text
    );
    let accounts = visitor
        .request(Method::GET, "/google/accounts")
        .bearer_auth(KEY);
    let accounts: serde_json::Value =
        serde_json::from_str(&visitor.send(accounts).await.text).unwrap();
    assert_eq!(accounts["accounts"][0]["email"], json!(ACCOUNT));
}

/// Nothing leads past the proxy or out of the path, and nothing tells what is behind.
#[track_caller]
fn no_leak(text: &str, prefix: &str, port: u16) {
    assert!(!text.contains(&format!(":{port}")), "{text}");
    assert!(!text.contains("localhost:"), "{text}");
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for link in text.split(attribute).skip(1) {
            let link = link.split('"').next().unwrap();
            let ours = link.starts_with(&format!("{prefix}/")) && !link.starts_with("//");
            assert!(ours || link.starts_with('#'), "{attribute}{link}");
        }
    }
}
