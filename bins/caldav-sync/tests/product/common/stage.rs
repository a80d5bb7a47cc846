//! A stage: a simulated Google, a data folder, the program, and the steps of setting it up.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use simulators::google::{
    AccountConfig, CalendarConfig, ClockMode, Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET,
    GoogleSim, GoogleSimConfig, Role,
};
use tempfile::TempDir;

use super::api::{Api, Browser};
use super::canary;
use super::program::{KEY, Program, run};

/// Who signs in at Google.
pub(crate) const ACCOUNT: &str = "ada@example.com";
/// The Google calendar that is written.
pub(crate) const TARGET: &str = "target@group.calendar.google.com";
/// One that may only be read.
const READ_ONLY: &str = "holidays@group.calendar.google.com";

/// Everything but the CalDAV side.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The program; `None` while it is down.
    program: Option<Program>,
    /// The simulated Google.
    pub(crate) google: GoogleSim,
    data: TempDir,
    environment: BTreeMap<String, String>,
}

impl Stage {
    /// Starts Google and the program.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more in the program's environment.
    pub(crate) fn start_with(more: &[(&str, &str)]) -> Self {
        let account = AccountConfig::new(ACCOUNT)
            .calendar(CalendarConfig::new(TARGET, "Target"))
            .calendar(CalendarConfig::new(READ_ONLY, "Holidays").role(Role::Reader));
        Self::start_as(account, more)
    }

    /// The same with another account at Google.
    pub(crate) fn start_as(account: AccountConfig, more: &[(&str, &str)]) -> Self {
        let mut config = GoogleSimConfig {
            clock: ClockMode::Real,
            ..GoogleSimConfig::default().accounts([account])
        };
        // Google sends nobody to an address that was not registered, letter for letter.
        if let Some((_, base)) = more.iter().find(|(name, _)| *name == "BASE_URL") {
            let client = &mut config.clients[0];
            client.redirect_uris.push(format!("{base}/oauth/callback"));
        }
        let google = GoogleSim::start(config).unwrap();
        canary::google(&google);
        let environment = [
            ("GOOGLE_CLIENT_ID", DEFAULT_CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", DEFAULT_CLIENT_SECRET.to_owned()),
            ("GOOGLE_AUTH_URI", google.auth_url()),
            ("GOOGLE_TOKEN_URI", google.token_url()),
            ("GOOGLE_REVOKE_URI", google.revoke_url()),
            ("GOOGLE_API_URL", google.api_url()),
        ];
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let mut stage = Self {
            program: None,
            google,
            data: TempDir::with_prefix("caldav-sync-test-").unwrap(),
            environment: environment
                .into_iter()
                .chain(more)
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        };
        stage.up();
        stage
    }

    /// The program, which must be up.
    pub(crate) fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    /// Starts the program on the same data.
    pub(crate) fn up(&mut self) {
        assert!(self.program.is_none());
        self.program = Some(Program::serve(self.data.path(), &self.environment));
    }

    /// Takes the program away, to be ended by the caller.
    pub(crate) fn down(&mut self) -> Program {
        self.program.take().unwrap()
    }

    /// Goes on with an empty data folder; the program must be down.
    pub(crate) fn move_to_an_empty_folder(&mut self) {
        assert!(self.program.is_none());
        self.data = TempDir::with_prefix("caldav-sync-test-").unwrap();
    }

    /// Runs another command of the binary to its end, on the same data and with the same
    /// configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let data = self.data.path().display().to_string();
        let mut environment = self.environment.clone();
        environment.insert("DATA_DIR".to_owned(), data);
        run(arguments, &environment)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The REST API.
    pub(crate) fn api(&self) -> Api {
        self.program().api()
    }

    /// Adds a CalDAV account; the account with its calendars.
    pub(crate) async fn add_caldav(&self, url: &str) -> Value {
        let account = json!({ "base_url": url, "username": "alice", "password": "alicepw" });
        self.api().post_for(201, "/caldav/accounts", &account).await
    }

    /// Signs in with Google through the consent, over HTTP with all redirects.
    pub(crate) async fn sign_in(&self) {
        self.google.consent(Consent::all(ACCOUNT));
        let ours = &self.program().url;
        let start = format!("{ours}/oauth/start");
        let (url, status, page) = Browser::new(KEY).follow(&start, ours).await;
        self.google.clear_consent();
        assert!(
            status.is_success() && url.query() == Some("done=connected"),
            "the sign-in ended at {url} with {status}: {page}"
        );
    }

    /// The id of a Google calendar by its name.
    pub(crate) async fn google_calendar(&self, name: &str) -> String {
        let listed = self.api().get("/google/calendars").await;
        let found = listed["calendars"].as_array().unwrap().iter();
        let mut found = found.filter(|calendar| calendar["name"] == name);
        let id = &found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {listed:#}"))["id"];
        id.as_str().unwrap().to_owned()
    }

    /// Joins a CalDAV calendar of an account, by the end of its URL, to the target: the mapping's id.
    pub(crate) async fn map(&self, account: &Value, slug: &str, settings: &Value) -> String {
        let calendars = account["calendars"].as_array().unwrap();
        let from = calendars
            .iter()
            .find(|calendar| {
                let url = calendar["url"].as_str().unwrap().trim_end_matches('/');
                url.ends_with(&format!("/{slug}"))
            })
            .unwrap_or_else(|| panic!("no {slug} in {account:#}"));
        let mut mapping = json!({
            "caldav_calendar_id": from["id"],
            "google_calendar_id": self.google_calendar("Target").await,
        });
        let members = mapping.as_object_mut().unwrap();
        members.extend(settings.as_object().cloned().unwrap_or_default());
        let made = self.api().post_for(201, "/mappings", &mapping).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The account, the sign-in and the mapping in one go: the mapping's id.
    pub(crate) async fn set_up(&self, url: &str, slug: &str) -> String {
        let account = self.add_caldav(url).await;
        self.sign_in().await;
        self.map(&account, slug, &json!({})).await
    }

    /// All events at Google, deleted ones too.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.google.dump(TARGET).unwrap()
    }

    /// The titles of the events that are there, exceptions aside, sorted.
    pub(crate) fn titles(&self) -> Vec<String> {
        let mut titles: Vec<String> = self
            .events()
            .iter()
            .filter(|event| {
                event["status"] != "cancelled" && event.get("recurringEventId").is_none()
            })
            .map(|event| event["summary"].as_str().unwrap_or_default().to_owned())
            .collect();
        titles.sort();
        titles
    }
}
