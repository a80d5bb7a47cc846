//! The entrance: [`Google`] for a whole installation, [`Account`] for one signed-in account,
//! shared by all its mappings (and so by their pacing and their one token).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_engine::model::{CalendarId, Google as GoogleSide, ZoneName};
use url::Url;

use crate::calendar::GoogleCalendar;
use crate::error::{Error, Operation};
use crate::oauth::{
    Endpoints, OAuth, SignInStart, TokenSource, TokenStore, Tokens, callback_failed,
};
use crate::pace::{Pace, Pacer, Usage};
use crate::requests::calendar_list::CalendarEntry;
use crate::requests::{AccessRole, CalendarList};
use crate::session::{Session, TimeHandle, TransportHandle};
use crate::time::Time;
use crate::transport::Transport;

/// Most pages of a list that are followed: far beyond any real calendar, short of for ever.
pub(crate) const MOST_PAGES: usize = 1_000;

/// Calendars of one account: what is beyond them is not shown.
const MOST_CALENDARS: usize = 1_000;
/// Characters of a calendar's name that are kept.
const LONGEST_NAME: usize = 200;

/// The set-up of the OAuth client and how fast accounts are used.
#[derive(Debug, Clone)]
pub struct GoogleConfig {
    /// `GOOGLE_CLIENT_ID`.
    pub client_id: String,
    /// `GOOGLE_CLIENT_SECRET`.
    pub client_secret: SecretString,
    /// Where Google is: [`Endpoints::google`], or a simulator.
    pub endpoints: Endpoints,
    /// The pace of each account.
    pub pace: Pace,
}

/// Our registration at Google. Cheap to clone.
#[derive(Clone)]
pub struct Google {
    oauth: Arc<OAuth>,
    api: Url,
    pace: Pace,
    transport: Arc<dyn Transport>,
    time: Arc<dyn Time>,
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Google")
            .field("api", &self.api)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// What a sign-in gave.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account's address: the id of its primary calendar.
    pub email: String,
    /// Its tokens; the caller stores them.
    pub tokens: Tokens,
    /// Its calendars, as they came with the question for the address.
    pub calendars: Vec<CalendarInfo>,
}

/// What is known of a signed-in account.
pub struct Connection {
    /// The account's address.
    pub email: String,
    /// Its tokens as stored.
    pub tokens: Tokens,
    /// Takes renewed tokens.
    pub store: Arc<dyn TokenStore>,
    /// What it has written today, as stored ([`Account::usage`]).
    pub usage: Usage,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("email", &self.email)
            .field("tokens", &self.tokens)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

impl Google {
    /// Takes the set-up.
    ///
    /// # Errors
    /// [`Error::Setup`] if the client id or secret is empty, or the API's address can have no
    /// paths.
    pub fn new(
        config: GoogleConfig,
        transport: Arc<dyn Transport>,
        time: Arc<dyn Time>,
    ) -> Result<Self, Error> {
        use secrecy::ExposeSecret as _;
        if config.client_id.is_empty() || config.client_secret.expose_secret().is_empty() {
            return Err(Error::setup(
                "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are needed.",
            ));
        }
        if config.endpoints.api.cannot_be_a_base() {
            return Err(Error::setup("GOOGLE_API_URL must be an http(s) address."));
        }
        let oauth = OAuth::new(
            &config.client_id,
            &config.client_secret,
            &config.endpoints,
            Arc::clone(&transport),
        );
        Ok(Self {
            oauth: Arc::new(oauth),
            api: config.endpoints.api,
            pace: config.pace,
            transport,
            time,
        })
    }

    /// Begins a sign-in: where to send the browser. `redirect` is `{BASE_URL}/oauth/callback`;
    /// `login_hint` the address of an account that signs in again.
    ///
    /// # Errors
    /// None at present.
    pub fn begin_sign_in(
        &self,
        redirect: &Url,
        login_hint: Option<&str>,
    ) -> Result<SignInStart, Error> {
        Ok(self.oauth.begin(redirect, login_hint))
    }

    /// Ends a sign-in: exchanges the code, checks what was granted, learns whose account it is.
    /// Nothing is stored here.
    ///
    /// # Errors
    /// [`Error::ScopesMissing`] names the boxes left unticked, [`Error::SignInFailed`] a code that
    /// is no good, [`Error::Setup`] a wrong client; others may be retried with a new sign-in.
    pub async fn finish_sign_in(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> Result<SignedIn, Error> {
        let tokens = self
            .oauth
            .exchange(redirect, code, verifier, self.time.now())
            .await?;
        let account = self.account(Connection {
            email: String::new(),
            tokens: tokens.clone(),
            store: Arc::new(Nowhere),
            usage: Usage::default(),
        });
        let calendars = account.calendars().await?;
        let email = calendars
            .iter()
            .find(|calendar| calendar.primary)
            .map(|calendar| calendar.id.as_str().to_owned())
            .ok_or_else(|| {
                callback_failed(
                    "no_primary_calendar",
                    "Google shows no primary calendar for this account",
                )
            })?;
        Ok(SignedIn {
            email,
            tokens,
            calendars,
        })
    }

    /// An account to work with. Keep one per account: its clones share token, pace and budget.
    pub fn account(&self, connection: Connection) -> Account {
        let tokens = TokenSource::new(
            Arc::clone(&self.oauth),
            connection.tokens,
            connection.store,
            Arc::clone(&self.time),
        );
        Account {
            inner: Arc::new(Inner {
                email: connection.email,
                oauth: Arc::clone(&self.oauth),
                session: Session {
                    api: self.api.clone(),
                    transport: TransportHandle(Arc::clone(&self.transport)),
                    tokens,
                    pacer: Pacer::new(self.pace.clone(), connection.usage, Arc::clone(&self.time)),
                    time: TimeHandle(Arc::clone(&self.time)),
                },
            }),
        }
    }
}

/// A store for tokens that the caller of `finish_sign_in` is about to store himself.
struct Nowhere;

impl TokenStore for Nowhere {
    fn save<'a>(
        &'a self,
        _: &'a Tokens,
    ) -> futures_util::future::BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>
    {
        Box::pin(async { Err("a token that has just been granted was renewed".into()) })
    }
}

/// One signed-in account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) email: String,
    oauth: Arc<OAuth>,
    pub(crate) session: Session,
}

/// A calendar of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarInfo {
    /// Its id; the real one, never `primary`.
    pub id: CalendarId<GoogleSide>,
    /// Its name, the user's own if there is one.
    pub name: String,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Its zone, as Google spells it.
    pub time_zone: Option<String>,
    /// What the account may do with it.
    pub access_role: AccessRole,
    /// Whether events may be written.
    pub writable: bool,
    /// Whether it is the account's own.
    pub primary: bool,
}

impl CalendarInfo {
    /// What [`Account::open_calendar`] needs.
    pub fn opening(&self) -> Opening {
        Opening {
            calendar: self.id.clone(),
            access_role: Some(self.access_role),
            time_zone: self.time_zone.as_deref().and_then(ZoneName::new),
        }
    }

    fn read(entry: CalendarEntry) -> Self {
        let access_role = entry.access_role.unwrap_or(AccessRole::None);
        let name = entry.summary_override.or(entry.summary);
        let name = name.unwrap_or_else(|| entry.id.clone());
        let on_one_line = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            name: name.chars().map(on_one_line).take(LONGEST_NAME).collect(),
            id: CalendarId::new(entry.id),
            color: entry.background_color,
            time_zone: entry.time_zone,
            access_role,
            writable: access_role.may_write(),
            primary: entry.primary,
        }
    }
}

/// A calendar to open, with what was known of it: each listing brings this up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which.
    pub calendar: CalendarId<GoogleSide>,
    /// The last known role; `None` counts as writer until a listing tells.
    pub access_role: Option<AccessRole>,
    /// The last known zone.
    pub time_zone: Option<ZoneName>,
}

impl Account {
    /// The account's address.
    pub fn email(&self) -> &str {
        &self.inner.email
    }

    /// Its calendars, freshly asked for.
    ///
    /// # Errors
    /// See [`Error`]; a list that could not be finished is one.
    pub async fn calendars(&self) -> Result<Vec<CalendarInfo>, Error> {
        let mut calendars = Vec::new();
        let mut request = CalendarList::default();
        let mut seen = HashSet::new();
        for _ in 0..MOST_PAGES {
            let page = self.inner.session.call(&request).await?;
            calendars.extend(
                page.items
                    .into_iter()
                    .filter(|entry| !entry.deleted)
                    .map(CalendarInfo::read),
            );
            if calendars.len() > MOST_CALENDARS {
                tracing::warn!("the Google account has more calendars than are shown");
                calendars.truncate(MOST_CALENDARS);
                return Ok(calendars);
            }
            match page.next_page_token {
                None => return Ok(calendars),
                Some(token) if seen.insert(token.clone()) => request.page_token = Some(token),
                Some(_) => break,
            }
        }
        Err(Error::Unintelligible {
            operation: Operation::ListCalendars,
            detail: "its pages do not end".to_owned(),
        })
    }

    /// Opens a calendar for a run. Asks nothing.
    pub fn open_calendar(&self, opening: &Opening) -> GoogleCalendar {
        GoogleCalendar::new(self.clone(), opening)
    }

    /// What was written today and whether writing waits: to be stored, shown, and handed back in
    /// [`Connection::usage`].
    pub fn usage(&self) -> Usage {
        self.inner.session.pacer.usage()
    }

    /// Takes the tokens of a new sign-in; the caller has stored them.
    pub async fn replace_tokens(&self, tokens: Tokens) {
        self.inner.session.tokens.replace(tokens).await;
    }

    /// Whether the sign-in still holds: renews the token if it is due.
    ///
    /// # Errors
    /// [`Error::SignInEnded`] if somebody has to sign in again.
    pub async fn check_sign_in(&self) -> Result<(), Error> {
        self.inner.session.tokens.access().await.map(drop)
    }

    /// Ends the grant at Google, for an account that is removed. A grant that has ended already is
    /// no error.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like: the grant may still stand.
    pub async fn revoke(&self) -> Result<(), Error> {
        let tokens = self.inner.session.tokens.current().await;
        self.inner.oauth.revoke(&tokens.refresh).await
    }
}
