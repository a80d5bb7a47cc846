//! One site with its counterparts, gone with the test; and short words for asking it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::{App, AppConfig, Clock, GoogleClient};
use gcal_client::{Endpoints, Pace};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig, CalendarSpec};
use simulators::google::{
    AccountConfig, CalendarConfig, ClockMode, Consent, DEFAULT_ACCOUNT, DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET, GoogleSim, GoogleSimConfig, Role,
};
use store::{Db, Keys};
use tempfile::TempDir;
use web::{Cidr, WebConfig};

/// The machine's clock, which a test may put forward.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicI64>);

impl Clock for Ahead {
    fn now(&self) -> jiff::Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead)
    }
}

/// How a site differs from the usual one.
pub(crate) struct Setup {
    /// In place of `http://127.0.0.1:PORT`.
    pub(crate) base_url: Option<&'static str>,
    /// Path of `BASE_URL`.
    pub(crate) prefix: &'static str,
    pub(crate) local_access: bool,
    pub(crate) proxies: Vec<Cidr>,
    pub(crate) forward_auth: Option<&'static str>,
    pub(crate) hosts: &'static [&'static str],
    pub(crate) google: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            base_url: None,
            prefix: "",
            local_access: false,
            proxies: Vec::new(),
            forward_auth: None,
            hosts: &[],
            google: true,
        }
    }
}

/// A running site.
pub(crate) struct Site {
    pub(crate) port: u16,
    pub(crate) key: String,
    pub(crate) google: GoogleSim,
    pub(crate) caldav: CaldavSim,
    pub(crate) http: Client,
    /// The application behind it.
    pub(crate) app: App,
    clock: Ahead,
    /// The application's own database, to put there what takes a server long to bring about.
    pub(crate) db: Db,
    prefix: &'static str,
    folder: TempDir,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let google = GoogleSim::start(GoogleSimConfig {
            clock: ClockMode::Real,
            ..GoogleSimConfig::default().accounts([AccountConfig::new(DEFAULT_ACCOUNT)
                .calendar(CalendarConfig::new(
                    "team@group.calendar.google.com",
                    "Team",
                ))
                .calendar(
                    CalendarConfig::new("holidays@group.v.calendar.google.com", "Holidays")
                        .role(Role::Reader),
                )])
        })
        .unwrap();
        let mut config = CaldavSimConfig::default();
        let home = CalendarSpec::new("home", "Home").color("#e67c73");
        config.calendars.push(("alice".to_owned(), home));
        let caldav = CaldavSim::start(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let base_url: url::Url = setup
            .base_url
            .map_or_else(
                || format!("http://127.0.0.1:{port}{}", setup.prefix),
                ToOwned::to_owned,
            )
            .parse()
            .unwrap();
        let folder = TempDir::new().unwrap();
        let db = Db::open(&folder.path().join("caldav_sync.db"), Keys::new([7; 32])).unwrap();
        let clock = Ahead::default();
        let app = App::new(
            AppConfig {
                base_url: base_url.clone(),
                google: setup.google.then(|| GoogleClient {
                    id: DEFAULT_CLIENT_ID.to_owned(),
                    secret: DEFAULT_CLIENT_SECRET.into(),
                }),
                endpoints: Endpoints {
                    auth: google.auth_url().parse().unwrap(),
                    token: google.token_url().parse().unwrap(),
                    revoke: google.revoke_url().parse().unwrap(),
                    api: google.api_url().parse().unwrap(),
                },
                pace: Pace::unlimited(),
                version: "0.0.0-test".to_owned(),
            },
            db.clone(),
            Arc::new(clock.clone()),
        )
        .await
        .unwrap();
        let key = app.ensure_key(None).await.unwrap().unwrap();
        app.start();
        let server = web::server(
            listener,
            app.clone(),
            WebConfig {
                base_url,
                trusted_proxies: setup.proxies,
                forward_auth_header: setup.forward_auth.map(ToOwned::to_owned),
                allowed_hosts: setup.hosts.iter().map(|host| (*host).to_owned()).collect(),
                local_access: setup.local_access,
            },
        )
        .unwrap();
        tokio::spawn(server);
        Self {
            port,
            key: key.expose_secret().to_owned(),
            google,
            caldav,
            http: Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            app,
            clock,
            db,
            prefix: setup.prefix,
            folder,
        }
    }

    /// Puts the application's clock forward.
    pub(crate) fn pass(&self, time: jiff::SignedDuration) {
        self.clock.0.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request without a key.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://127.0.0.1:{}{}{path}", self.port, self.prefix);
        self.http.request(method, url)
    }

    /// A request with the key.
    pub(crate) fn keyed(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.keyed(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.keyed(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.keyed(Method::POST, path).json(&body)).await
    }

    /// Adds alice's account; gives the answer.
    pub(crate) async fn add_alice(&self) -> Value {
        let body = json!({
            "base_url": self.caldav.url(), "username": "alice", "password": "alicepw",
        });
        let answer = self.post("/caldav/accounts", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Signs in with Google as far as the browser's way back; gives the callback's address.
    pub(crate) async fn to_callback(&self, start: &str) -> (String, String) {
        let begun = Answer::of(self.keyed(Method::GET, start)).await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let cookie = begun.cookie();
        let google = begun.location();
        let consented = Answer::of(self.http.get(google)).await;
        assert_eq!(consented.status.as_u16() / 100, 3, "{}", consented.text);
        (consented.location(), cookie)
    }

    /// Connects ada's account.
    pub(crate) async fn connect_google(&self) -> Value {
        self.google.consent(Consent::all(DEFAULT_ACCOUNT));
        let (callback, cookie) = self.to_callback("/oauth/start").await;
        let back = Answer::of(self.http.get(callback).header(COOKIE, cookie)).await;
        assert_eq!(back.status, 303, "{}", back.text);
        let accounts = self.get("/google/accounts").await.json();
        accounts["accounts"][0].clone()
    }

    /// The id of a calendar by its name.
    pub(crate) async fn calendar(&self, side: &str, name: &str) -> String {
        let all = self.get(&format!("/{side}/calendars")).await.json();
        let found = all["calendars"]
            .as_array()
            .unwrap()
            .iter()
            .find(|calendar| calendar["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {all}"));
        found["id"].as_str().unwrap().to_owned()
    }

    /// Both accounts and a mapping from alice's Work to ada's Team.
    pub(crate) async fn mapped(&self) -> Value {
        self.add_alice().await;
        self.connect_google().await;
        let body = json!({
            "caldav_calendar_id": self.calendar("caldav", "Work").await,
            "google_calendar_id": self.calendar("google", "Team").await,
        });
        let made = self.post("/mappings", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    }

    /// Puts an event into alice's Work, on a day from now.
    pub(crate) fn put_event(&self, uid: &str, title: &str, days: i64) {
        let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let day = start.strftime("%Y%m%d");
        let ics = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\n\
             UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{day}T100000Z\r\n\
             DTEND:{day}T110000Z\r\nSUMMARY:{title}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        self.caldav
            .put("alice", "work", &format!("{uid}.ics"), &ics);
    }

    /// Syncs one mapping and waits; gives the run.
    pub(crate) async fn sync(&self, mapping: &Value) -> Value {
        let body = json!({ "mapping_id": mapping["id"], "wait": true });
        let answer = self.post("/sync", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["runs"][0].clone()
    }

    /// Titles in ada's Team.
    pub(crate) fn titles(&self) -> Vec<String> {
        let events = self.google.dump("team@group.calendar.google.com").unwrap();
        let mut titles: Vec<String> = events
            .iter()
            .filter(|event| event["status"] != "cancelled")
            .filter_map(|event| event["summary"].as_str().map(ToOwned::to_owned))
            .collect();
        titles.sort();
        titles
    }

    /// Asks the database beside the application: the first value of the first row.
    pub(crate) fn sql(&self, query: &str) -> String {
        let file = rusqlite::Connection::open(self.folder().join("caldav_sync.db")).unwrap();
        file.busy_timeout(std::time::Duration::from_secs(10))
            .unwrap();
        file.query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Lets every mapping wait, as after a restore.
    pub(crate) fn as_restored(&self) {
        self.sql("UPDATE mapping SET restored_at = 1 RETURNING id");
    }

    /// Signs a browser in; gives its cookie.
    pub(crate) async fn browser(&self) -> String {
        self.browser_with(&self.key).await
    }

    /// The same with another key.
    pub(crate) async fn browser_with(&self, key: &str) -> String {
        let form = [("key", key)];
        let answer = Answer::of(self.bare(Method::POST, "/ui/sign-in").form(&form)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.cookie()
    }

    /// Makes a key; gives what the answer says.
    pub(crate) async fn make_key(&self, name: &str, scope: &str) -> Value {
        let made = self
            .post("/keys", json!({ "name": name, "scope": scope }))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    }

    /// A page in a session.
    pub(crate) async fn page(&self, cookie: &str, path: &str) -> Answer {
        Answer::of(self.bare(Method::GET, path).header(COOKIE, cookie)).await
    }

    /// Posts a form in a session, with the token of the page it stands on.
    pub(crate) async fn submit(
        &self,
        cookie: &str,
        from: &str,
        to: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = self.page(cookie, from).await.token();
        let mut form = vec![("csrf", token.as_str())];
        form.extend_from_slice(fields);
        let request = self.bare(Method::POST, to).header(COOKIE, cookie);
        Answer::of(request.form(&form)).await
    }
}

/// An answer, read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response: Response = request.send().await.unwrap();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> String {
        self.headers[LOCATION].to_str().unwrap().to_owned()
    }

    /// The first cookie that is set, as it is to be sent back.
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers[SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    /// The token of the page's forms.
    pub(crate) fn token(&self) -> String {
        let (_, after) = self
            .text
            .split_once("name=\"csrf\" value=\"")
            .unwrap_or_else(|| panic!("no form: {}", self.text));
        after.split('"').next().unwrap().to_owned()
    }

    /// Checks a problem document and its status; gives it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "action"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member} is missing in {problem}");
        }
        problem
    }
}

/// The names of an object's members, sorted.
#[track_caller]
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
