//! A headless Chromium, driven over WebDriver with plain requests.
//!
//! Only what tests of pages need. Elements are named by CSS selectors each time: a page may have
//! changed since. Chromium and its driver come from the system's packages.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, program};

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long [`Chromium::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser with an empty profile of its own. Closed on drop.
#[derive(Debug)]
pub struct Chromium {
    http: Client,
    session: String,
    driver: Process,
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser: `CALDAV_SYNC_CHROMIUM` or `/usr/bin/chromium`, and
    /// `CALDAV_SYNC_CHROMEDRIVER` or `/usr/bin/chromedriver`.
    pub async fn start() -> Self {
        let browser = program("CALDAV_SYNC_CHROMIUM", "/usr/bin/chromium");
        let driver = program("CALDAV_SYNC_CHROMEDRIVER", "/usr/bin/chromedriver");
        let profile = TempDir::with_prefix("caldav-sync-browser-").expect("a temporary folder");
        let log = profile.path().join("driver.log");
        let mut command = Command::new(driver);
        command.arg("--port=0").env("HOME", profile.path());
        let driver = Process::start(&mut command, "chromedriver", &log);
        let http = Client::builder()
            .no_proxy()
            .build()
            .expect("a plain client");
        let data = profile.path().join("data");
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,900",
            &format!("--user-data-dir={}", data.display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": browser, "args": args },
        } } });
        let root = format!("http://127.0.0.1:{}/session", driver.port);
        let made = call(http.post(&root).json(&wanted), "starting a session").await;
        let id = made["sessionId"].as_str().expect("a session id");
        Self {
            session: format!("{root}/{id}"),
            http,
            driver,
            _profile: profile,
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self
            .http
            .post(format!("{}/{path}", self.session))
            .json(body);
        call(request, path).await
    }

    async fn get(&self, path: &str) -> Value {
        call(self.http.get(format!("{}/{path}", self.session)), path).await
    }

    /// Opens a URL and waits until it has loaded.
    pub async fn goto(&self, url: &str) {
        self.post("url", &json!({ "url": url })).await;
    }

    /// The URL of the page.
    pub async fn url(&self) -> String {
        string(&self.get("url").await)
    }

    /// The title of the page.
    pub async fn title(&self) -> String {
        string(&self.get("title").await)
    }

    /// The HTML of the page as it now is.
    pub async fn source(&self) -> String {
        string(&self.get("source").await)
    }

    async fn elements(&self, css: &str) -> Vec<String> {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.post("elements", &body).await;
        found
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|e| e[ELEMENT].as_str().map(str::to_owned))
            .collect()
    }

    async fn element(&self, css: &str) -> String {
        let found = self.elements(css).await.into_iter().next();
        match found {
            Some(element) => element,
            None => panic!("no {css} on {}:\n{}", self.url().await, self.source().await),
        }
    }

    /// How many elements a selector finds.
    pub async fn count(&self, css: &str) -> usize {
        self.elements(css).await.len()
    }

    /// Waits until a selector finds something, 20 seconds at most.
    pub async fn wait_for(&self, css: &str) {
        let started = Instant::now();
        while self.elements(css).await.is_empty() {
            assert!(
                started.elapsed() < PATIENCE,
                "no {css} came on {}:\n{}",
                self.url().await,
                self.source().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The visible text of the first element a selector finds.
    pub async fn text(&self, css: &str) -> String {
        let element = self.element(css).await;
        string(&self.get(&format!("element/{element}/text")).await)
    }

    /// The visible texts of all elements a selector finds.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let mut out = Vec::new();
        for element in self.elements(css).await {
            out.push(string(&self.get(&format!("element/{element}/text")).await));
        }
        out
    }

    /// Clicks the first element a selector finds. A page it leads to has loaded on return.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        let leads = self.execute(LEADS_ON, &[json!({ ELEMENT: element })]).await;
        self.post(&format!("element/{element}/click"), &json!({}))
            .await;
        if leads == true {
            self.another_page().await;
        }
    }

    /// Waits until the marked page has gone and its successor has loaded; a second at most, because
    /// it may stay.
    async fn another_page(&self) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(1) {
            let url = format!("{}/execute/sync", self.session);
            let asked = self.http.post(url).json(&json!({
                "script": "return !window.clicked && document.readyState === 'complete'",
                "args": []
            }));
            // Between two pages there is nothing to ask.
            if let Ok(answer) = asked.send().await
                && let Ok(body) = answer.json::<Value>().await
                && body["value"] == true
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Empties a field and types a text into it.
    pub async fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/clear"), &json!({}))
            .await;
        self.post(
            &format!("element/{element}/value"),
            &json!({ "text": text }),
        )
        .await;
    }

    /// Chooses the option of a drop-down whose text, trimmed, is this.
    pub async fn select(&self, css: &str, label: &str) {
        let mut seen = Vec::new();
        for option in self.elements(&format!("{css} option")).await {
            let text = string(&self.get(&format!("element/{option}/text")).await);
            if text.trim() == label {
                self.post(&format!("element/{option}/click"), &json!({}))
                    .await;
                return;
            }
            seen.push(text);
        }
        panic!("no option {label:?} in {css}, only {seen:?}");
    }

    /// Runs a script in the page; `arguments[0]` and so on are the values given.
    pub async fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        let body = json!({ "script": script, "args": arguments });
        self.post("execute/sync", &body).await
    }

    /// What the console has said since the last call, one message a line.
    pub async fn console(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" })).await;
        log.as_array()
            .into_iter()
            .flatten()
            .map(|entry| format!("{} {}", string(&entry["level"]), string(&entry["message"])))
            .collect()
    }

    /// Saves what the window shows as a PNG.
    pub async fn screenshot(&self, path: &Path) {
        let image = string(&self.get("screenshot").await);
        let bytes = data_encoding::BASE64
            .decode(image.as_bytes())
            .expect("base64");
        std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

impl Drop for Chromium {
    /// Ends the session, which ends the browser; killing the driver alone would orphan it.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.driver.port)) else {
            return;
        };
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok();
        let path = self.session.splitn(4, '/').nth(3).unwrap_or_default();
        let request =
            format!("DELETE /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        if stream.write_all(request.as_bytes()).is_ok() {
            // The status line is enough: the driver answers when the browser has gone.
            stream.read_exact(&mut [0; 12]).ok();
        }
    }
}

/// Whether a click leads to another page; this one is marked if it does.
const LEADS_ON: &str = "\
    const at = arguments[0].closest('a[href], button, input[type=submit]'); \
    if (!at || at.type === 'button' || at.target === '_blank' || at.download) return false; \
    if (at.tagName !== 'A' && !at.form) return false; \
    if (at.tagName === 'A' && at.getAttribute('href').startsWith('#')) return false; \
    window.clicked = true; return true;";

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn call(request: reqwest::RequestBuilder, what: &str) -> Value {
    let answer = request
        .send()
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let status = answer.status();
    let body: Value = answer
        .json()
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(status.is_success(), "{what}: {}", body["value"]);
    body["value"].clone()
}
