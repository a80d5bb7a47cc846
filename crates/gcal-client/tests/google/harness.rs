//! A simulated Google, a client for it that shares its clock, and short words for making events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use gcal_client::pace::Backoff;
use gcal_client::{
    AccessRole, Account, Connection, Endpoints, Google, GoogleCalendar, GoogleConfig, Opening,
    Pace, Time, TokenStore, Tokens, Transport, Usage,
};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use outbound::header::{HeaderMap, HeaderName};
use outbound::{Request, Response, StatusCode};
use serde_json::Value;
use simulators::google::{
    DEFAULT_ACCOUNT, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, GoogleSim, GoogleSimConfig,
};
use sync_engine::identity::{OriginTag, PairKey};
use sync_engine::model::time::LocalTime;
use sync_engine::model::{
    CalendarId, Fields, Google as GoogleSide, OverrideValue, RecurrenceId, ResourceId, Series,
    Text, Uid, When, Zone, ZoneName,
};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::ports::{Create, Listed, Listing, Resource, SidePort as _, Written};
use sync_engine::projection::{Declined, Privacy, PrivateEvents, Projected, Projection, Shaped};
use sync_engine::recurrence::{Recurrence, Rule};

pub(crate) const SCOPES: [&str; 2] = ["calendar.events", "calendar.calendarlist.readonly"];

/// The simulator's clock; sleeping moves it.
pub(crate) struct SimTime(pub(crate) Arc<GoogleSim>);

impl Time for SimTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0
            .advance(SignedDuration::try_from(duration).unwrap_or(SignedDuration::ZERO));
        tokio::task::yield_now().boxed()
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

/// Remembers what it was given; refuses as often as told.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) saved: Mutex<Vec<Tokens>>,
    pub(crate) refusals: Mutex<u32>,
}

impl TokenStore for Kept {
    fn save<'a>(
        &'a self,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        async move {
            let mut refusals = self.refusals.lock().unwrap();
            if *refusals > 0 {
                *refusals -= 1;
                return Err("the disk is full".into());
            }
            self.saved.lock().unwrap().push(tokens.clone());
            Ok(())
        }
        .boxed()
    }
}

pub(crate) struct World {
    pub(crate) sim: Arc<GoogleSim>,
    pub(crate) google: Google,
    pub(crate) account: Account,
    pub(crate) kept: Arc<Kept>,
}

pub(crate) fn google(sim: &Arc<GoogleSim>, secret: &str, pace: Pace) -> Google {
    let client = outbound::Client::new(gcal_client::transport::policy()).unwrap();
    google_over(sim, secret, pace, Arc::new(client))
}

/// Asks the simulator without a network.
struct Direct(Arc<GoogleSim>);

impl Transport for Direct {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, outbound::Error>> {
        let (url, method) = (request.url, request.method);
        let headers = request.headers.iter().map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            (name.as_str().to_owned(), value.to_owned())
        });
        let query = url.query().unwrap_or_default();
        let answer = self
            .0
            .ask(method.as_str(), url.path(), query, headers, request.body);
        let Some(answer) = answer else {
            let host = url.host_str().unwrap_or_default().to_owned();
            return async { Err(outbound::Error::Timeout { host }) }.boxed();
        };
        let mut headers = HeaderMap::new();
        for (name, value) in answer.headers {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let response = Response {
            status: StatusCode::from_u16(answer.status).unwrap(),
            headers,
            body: answer.body,
            url,
            reach: outbound::Reach::Private,
        };
        async { Ok(response) }.boxed()
    }
}

/// An answer in place of Google's.
type Spoil = dyn Fn(&Request) -> Option<(u16, Vec<u8>)> + Send + Sync;

/// Answers in Google's place, or lets it answer.
struct Spoiled {
    honest: Direct,
    spoil: Box<Spoil>,
}

impl Transport for Spoiled {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, outbound::Error>> {
        let Some((status, body)) = (self.spoil)(&request) else {
            return self.honest.send(request);
        };
        // As the guarded client does.
        let limit = request.answer_limit.unwrap_or(usize::MAX);
        let url = request.url;
        if body.len() > limit {
            let host = url.host_str().unwrap_or_default().to_owned();
            return async move { Err(outbound::Error::TooLarge { host, limit }) }.boxed();
        }
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body,
            url,
            reach: outbound::Reach::Private,
        };
        async { Ok(response) }.boxed()
    }
}

fn google_over(
    sim: &Arc<GoogleSim>,
    secret: &str,
    pace: Pace,
    transport: Arc<dyn Transport>,
) -> Google {
    let config = GoogleConfig {
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        client_secret: secret.into(),
        endpoints: Endpoints {
            auth: sim.auth_url().parse().unwrap(),
            token: sim.token_url().parse().unwrap(),
            revoke: sim.revoke_url().parse().unwrap(),
            api: sim.api_url().parse().unwrap(),
        },
        pace,
    };
    Google::new(config, transport, Arc::new(SimTime(Arc::clone(sim)))).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(GoogleSimConfig::default(), Pace::unlimited())
    }

    pub(crate) fn with(config: GoogleSimConfig, pace: Pace) -> Self {
        let sim = Arc::new(GoogleSim::start(config).unwrap());
        let google = google(&sim, DEFAULT_CLIENT_SECRET, pace);
        Self::around(sim, google)
    }

    /// Without a network: for those who ask much.
    pub(crate) fn in_process(config: GoogleSimConfig, pace: Pace) -> Self {
        let sim = Arc::new(GoogleSim::in_process(config));
        let direct = Arc::new(Direct(Arc::clone(&sim)));
        let google = google_over(&sim, DEFAULT_CLIENT_SECRET, pace, direct);
        Self::around(sim, google)
    }

    /// One whose answers a test may take away and replace: `None` lets Google answer.
    pub(crate) fn spoiled(
        spoil: impl Fn(&Request) -> Option<(u16, Vec<u8>)> + Send + Sync + 'static,
    ) -> Self {
        let sim = Arc::new(GoogleSim::in_process(GoogleSimConfig::default()));
        let spoiled = Arc::new(Spoiled {
            honest: Direct(Arc::clone(&sim)),
            spoil: Box::new(spoil),
        });
        let google = google_over(&sim, DEFAULT_CLIENT_SECRET, two_attempts(), spoiled);
        Self::around(sim, google)
    }

    fn around(sim: Arc<GoogleSim>, google: Google) -> Self {
        let kept = Arc::new(Kept::default());
        let account = google.account(Connection {
            email: DEFAULT_ACCOUNT.to_owned(),
            tokens: tokens(&sim),
            store: kept.clone(),
            usage: Usage::default(),
        });
        Self {
            sim,
            google,
            account,
            kept,
        }
    }

    pub(crate) fn calendar(&self) -> GoogleCalendar {
        self.account.open_calendar(&Opening {
            calendar: CalendarId::new(DEFAULT_ACCOUNT),
            access_role: Some(AccessRole::Owner),
            time_zone: ZoneName::new("Europe/Berlin"),
        })
    }

    /// A person makes an event in Google's own interface; gives its id.
    pub(crate) fn person_makes(&self, body: Value) -> String {
        let made = self
            .sim
            .as_user(DEFAULT_ACCOUNT)
            .insert(DEFAULT_ACCOUNT, body)
            .unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn person_changes(&self, id: &str, body: Value) {
        self.sim
            .as_user(DEFAULT_ACCOUNT)
            .patch(DEFAULT_ACCOUNT, id, body)
            .unwrap();
    }

    pub(crate) fn person_deletes(&self, id: &str) {
        self.sim
            .as_user(DEFAULT_ACCOUNT)
            .delete(DEFAULT_ACCOUNT, id)
            .unwrap();
    }

    /// The stored event in full.
    pub(crate) fn stored(&self, id: &str) -> Value {
        self.sim
            .dump(DEFAULT_ACCOUNT)
            .unwrap()
            .into_iter()
            .find(|event| event["id"] == id)
            .unwrap_or_else(|| panic!("no event {id}"))
    }

    /// Events that are not deleted.
    pub(crate) fn alive(&self) -> usize {
        let all = self.sim.dump(DEFAULT_ACCOUNT).unwrap();
        all.iter()
            .filter(|event| event["status"] != "cancelled")
            .count()
    }

    pub(crate) fn requests(&self, method: &str) -> u64 {
        self.sim.counts().requests_of(method)
    }

    pub(crate) async fn complete(&self, calendar: &GoogleCalendar) -> Listing<GoogleSide> {
        calendar.list(None).await.unwrap()
    }

    /// Creates a series and gives what Google shows of it.
    pub(crate) async fn made(
        &self,
        calendar: &GoogleCalendar,
        series: Series,
    ) -> Box<Observation<GoogleSide>> {
        done(
            calendar
                .create(&creation("one@example.com", series))
                .await
                .unwrap(),
        )
    }

    /// Nobody was mailed, and nothing was done that the simulator forbids.
    pub(crate) fn is_clean(&self) {
        assert_eq!(self.sim.mail(), []);
        assert_eq!(self.sim.violations(), Vec::<String>::new());
    }
}

pub(crate) fn tokens(sim: &GoogleSim) -> Tokens {
    let signed_in = sim.sign_in(DEFAULT_ACCOUNT, &SCOPES).unwrap();
    Tokens {
        access: signed_in.access_token.into(),
        expires_at: sim.now() + SignedDuration::from_secs(3599),
        refresh: signed_in.refresh_token.into(),
        refresh_expires_at: None,
        granted_at: Some(sim.now()),
        scopes: SCOPES.map(str::to_owned).to_vec(),
    }
}

/// Fewer attempts, so that a test of failing is short.
pub(crate) fn two_attempts() -> Pace {
    Pace {
        backoff: Backoff {
            attempts: 2,
            ..Backoff::default()
        },
        ..Pace::unlimited()
    }
}

pub(crate) fn berlin(at: &str) -> LocalTime {
    in_zone(at, "Europe/Berlin")
}

pub(crate) fn in_zone(at: &str, zone: &str) -> LocalTime {
    LocalTime::new(
        at.parse::<DateTime>().unwrap(),
        Zone::Named(ZoneName::new(zone).unwrap()),
    )
}

/// A timed event of one hour in Berlin.
pub(crate) fn event(title: &str, start: &str) -> Fields {
    let start = berlin(start);
    let end = LocalTime::new(
        start
            .wall
            .checked_add(SignedDuration::from_hours(1))
            .unwrap(),
        start.zone.clone(),
    );
    Fields::new(title, When::timed(start, Some(end)))
}

pub(crate) fn all_day(title: &str, day: &str) -> Fields {
    Fields::new(title, When::all_day(day.parse().unwrap(), None))
}

pub(crate) fn repeating(mut fields: Fields, rule: &str) -> Fields {
    fields.recurrence = Some(Recurrence::of(Rule::parse(rule).unwrap()));
    fields
}

pub(crate) fn wall(at: &str) -> RecurrenceId {
    RecurrenceId::Wall(at.parse().unwrap())
}

pub(crate) fn titled(fields: &Fields, title: &str) -> Fields {
    Fields {
        title: Text::new(title),
        recurrence: None,
        ..fields.clone()
    }
}

pub(crate) fn tag(uid: &str) -> OriginTag {
    let pair = PairKey::new(
        &CalendarId::new("https://dav.example/alice/work/"),
        &CalendarId::new(DEFAULT_ACCOUNT),
    );
    OriginTag::new(&pair, &Uid::new(uid), None, 0)
}

pub(crate) fn projected(series: &Series) -> Projected {
    let projection = Projection {
        privacy: Privacy::Full,
        declined: Declined::AsIs,
        private_events: PrivateEvents::Private,
        calendar: "Work".to_owned(),
        time_zone: ZoneName::new("Europe/Berlin").unwrap(),
        target: World::new_capabilities(),
    };
    match projection.shape(series) {
        Shaped::Series(projected) => projected,
        Shaped::Nothing => panic!("the projection lets nothing through"),
    }
}

impl World {
    /// What any Google calendar can hold, without asking one.
    fn new_capabilities() -> sync_engine::ports::Capabilities {
        sync_engine::ports::Capabilities {
            writable: true,
            exceptions_apart: true,
            recurring: sync_engine::ports::Recurring::Google,
            floating: false,
            title_limit: Some(1024),
            description_limit: Some(8192),
            location_limit: Some(1024),
            visibility: true,
            time_zone: None,
            concurrency: 4,
        }
    }
}

pub(crate) fn creation(uid: &str, series: Series) -> Create {
    Create {
        tag: tag(uid),
        source_uid: None,
        series: projected(&series),
        revive: false,
        default_reminders: false,
    }
}

pub(crate) fn done(written: Written<GoogleSide>) -> Box<Observation<GoogleSide>> {
    match written {
        Written::Done(observation) => observation,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn stored_as(observation: &Observation<GoogleSide>) -> Resource<GoogleSide> {
    Resource {
        id: observation.resource.clone(),
        etag: observation.etag.clone(),
        note: observation.note.clone(),
    }
}

pub(crate) fn series_of(observation: &Observation<GoogleSide>) -> &Series {
    match &observation.content {
        Content::Series(series) => series,
        Content::Exception { .. } => panic!("an exception: {observation:?}"),
    }
}

pub(crate) fn exception_of(observation: &Observation<GoogleSide>) -> &OverrideValue {
    match &observation.content {
        Content::Exception { value, .. } => value,
        Content::Series(_) => panic!("no exception: {observation:?}"),
    }
}

pub(crate) fn seen(listing: &Listing<GoogleSide>) -> Vec<&Seen<GoogleSide>> {
    listing
        .items
        .iter()
        .map(|item| match item {
            Listed::Seen(seen) => seen,
            Listed::Version { .. } => panic!("Google sends bodies along"),
        })
        .collect()
}

pub(crate) fn present(seen: &Seen<GoogleSide>) -> &Observation<GoogleSide> {
    match seen {
        Seen::Present(observation) => observation,
        other => panic!("not present: {other:?}"),
    }
}

pub(crate) fn id(text: &str) -> ResourceId<GoogleSide> {
    ResourceId::new(text)
}
