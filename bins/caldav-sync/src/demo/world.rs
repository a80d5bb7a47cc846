//! The demo's outside world: a calendar server and a Google, both in this process, and the steps of
//! setting the program up with them, as a person would do them by hand.

use std::sync::Arc;

use app::{App, CaldavAccountInput, MappingInput, UserError};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::LOCATION;
use secrecy::{ExposeSecret as _, SecretString};
use simulators::caldav::{CaldavSim, CaldavSimConfig, CalendarSpec, UserSpec};
use simulators::google::{
    AccountConfig, CalendarConfig, ClockMode, Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET,
    GoogleSim, GoogleSimConfig,
};
use store::records::{Direction, MappingSettings};
use url::Url;

use super::entry::ZONE;
use super::hand;
use super::life::{Edit, SHARED};
use super::samples::SampleCalendar;
use crate::config::environment::Environment;
use crate::failure::Failure;

/// Who signs in at Google.
pub(super) const ACCOUNT: &str = "ada@example.com";
/// Google calendars: id, title, and the CalDAV calendar that is mapped to it.
pub(super) const GOOGLE_CALENDARS: [(&str, &str, &str); 2] = [
    (
        "demo-work@group.calendar.google.com",
        "Work (Google)",
        "work",
    ),
    (
        "demo-family@group.calendar.google.com",
        "Family (Google)",
        "family",
    ),
];
/// Who owns the CalDAV calendars.
pub(super) const USER: &str = "ada";
const PASSWORD: &str = "demo";
/// Tombstones at the simulated Google are forgotten after this long, as at the real one.
const KEEP_TOMBSTONES: SignedDuration = SignedDuration::from_hours(2);

/// Both simulators.
pub(super) struct World {
    pub(super) caldav: CaldavSim,
    /// Shared with the page that shows it.
    pub(super) google: Arc<GoogleSim>,
}

impl World {
    /// Starts both, the calendars filled.
    pub(super) fn start(calendars: &[SampleCalendar]) -> Result<Self, Failure> {
        let specs = calendars.iter().map(|calendar| {
            let spec = CalendarSpec::new(calendar.slug, calendar.name).color(calendar.color);
            (USER.to_owned(), spec)
        });
        let caldav = CaldavSim::start(CaldavSimConfig {
            users: vec![UserSpec::new(USER, PASSWORD)],
            calendars: specs.collect(),
            ..CaldavSimConfig::default()
        })
        .map_err(|error| Failure::demo(&error))?;
        let account = GOOGLE_CALENDARS.iter().fold(
            AccountConfig::new(ACCOUNT).time_zone(ZONE),
            |account, (id, title, _)| {
                account.calendar(CalendarConfig::new(*id, *title).time_zone(ZONE))
            },
        );
        let google = GoogleSim::start(GoogleSimConfig {
            clock: ClockMode::Real,
            ..GoogleSimConfig::default().accounts([account])
        })
        .map_err(|error| Failure::demo(&error))?;
        let world = Self {
            caldav,
            google: Arc::new(google),
        };
        let now = Timestamp::now();
        for calendar in calendars {
            for entry in &calendar.entries {
                world.put(calendar.slug, &entry.name(), &entry.ics(now));
            }
        }
        Ok(world)
    }

    /// The environment that `serve` would be started with to use them.
    pub(super) fn environment(&self, port: u16, data_dir: &str) -> Environment {
        let google = &self.google;
        Environment::new(
            [
                ("BIND", format!("127.0.0.1:{port}")),
                ("DATA_DIR", data_dir.to_owned()),
                ("GOOGLE_CLIENT_ID", DEFAULT_CLIENT_ID.to_owned()),
                ("GOOGLE_CLIENT_SECRET", DEFAULT_CLIENT_SECRET.to_owned()),
                ("GOOGLE_AUTH_URI", google.auth_url()),
                ("GOOGLE_TOKEN_URI", google.token_url()),
                ("GOOGLE_REVOKE_URI", google.revoke_url()),
                ("GOOGLE_API_URL", google.api_url()),
                ("GOOGLE_DAILY_WRITES", "1000000".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
    }

    /// Adds the CalDAV account, signs in with Google and joins the calendars.
    pub(super) async fn set_up(&self, app: &App) -> Result<(), Failure> {
        let caldav = app
            .add_caldav_account(CaldavAccountInput {
                name: Some("Ada's calendar server".to_owned()),
                base_url: Some(self.caldav.url().to_owned()),
                username: Some(USER.to_owned()),
                password: Some(SecretString::from(PASSWORD)),
                ..CaldavAccountInput::default()
            })
            .await?;
        self.sign_in(app).await?;
        let google = app.google_calendars(None).await?;
        for (id, _, slug) in GOOGLE_CALENDARS {
            let from = caldav.calendars.iter().find(|calendar| {
                let path = calendar.facts.remote.trim_end_matches('/');
                path.rsplit('/').next() == Some(slug)
            });
            let to = google.iter().find(|calendar| calendar.facts.remote == id);
            let (Some(from), Some(to)) = (from, to) else {
                return Err(Failure::demo(&format!("the calendar {slug} was not found")));
            };
            app.put_mapping(MappingInput {
                id: None,
                caldav_calendar_id: Some(from.id.clone()),
                google_calendar_id: Some(to.id.clone()),
                settings: MappingSettings {
                    direction: if slug == SHARED {
                        Direction::Bidirectional
                    } else {
                        Direction::CaldavToGoogle
                    },
                    ..MappingSettings::default()
                },
            })
            .await?;
        }
        Ok(())
    }

    /// The sign-in that a browser would go through: to the consent page and back.
    async fn sign_in(&self, app: &App) -> Result<(), Failure> {
        let begun = app.begin_google_sign_in(None).await?;
        self.google.consent(Consent::all(ACCOUNT));
        let browser = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::demo(&error))?;
        let answer = browser
            .get(begun.url)
            .send()
            .await
            .map_err(|error| Failure::demo(&error))?;
        // From now on a person who connects an account sees the page.
        self.google.clear_consent();
        let back = answer
            .headers()
            .get(LOCATION)
            .and_then(|location| Url::parse(location.to_str().ok()?).ok())
            .ok_or_else(|| Failure::demo(&"the simulated Google did not send the browser back"))?;
        let query = back.query().unwrap_or_default();
        let signed_in: Result<_, UserError> = app
            .finish_google_sign_in(query, begun.cookie.expose_secret())
            .await;
        signed_in?;
        Ok(())
    }

    /// Plays an edit where it belongs. False when there was nothing to edit: a visitor may have
    /// made the calendars say something else.
    pub(super) fn play(&self, edit: &Edit) -> bool {
        match edit {
            Edit::Put { slug, entry } => {
                self.put(slug, &entry.name(), &entry.ics(Timestamp::now()));
                true
            }
            Edit::Delete { slug, name } => self.caldav.delete(USER, slug, name),
            Edit::Google(touch) => GOOGLE_CALENDARS
                .iter()
                .find(|(_, _, slug)| *slug == SHARED)
                .and_then(|(id, ..)| hand::touch(self.google.as_user(ACCOUNT), id, touch))
                .is_some(),
        }
    }

    /// Forgets what nobody reads: a demo may run for days.
    pub(super) fn tidy(&self) {
        self.google.clear_log();
        self.google.purge(KEEP_TOMBSTONES);
        self.caldav.clear_log();
    }

    fn put(&self, slug: &str, name: &str, ics: &str) {
        self.caldav.put(USER, slug, name, ics);
    }
}
