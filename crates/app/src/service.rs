//! [`App`]: what everything hangs on, its start and its stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gcal_client::{Google, GoogleConfig};
use store::Db;
use store::records::{Purged, Retention};
use sync_engine::model::AccountId;
use sync_engine::model::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::AppConfig;
use crate::declared::Desk;
use crate::error::{Kind, UserError};
use crate::metrics::Counters;
use crate::scheduler::Queue;
use crate::webhooks::Lanes;

/// Between two rounds of looking after the database.
const DAY: Duration = Duration::from_hours(24);
/// How long a probe waits for the database: less than its asker waits for us.
const READY: Duration = Duration::from_secs(3);

/// The application. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: AppConfig,
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    /// Our registration at Google; `None` until there is an OAuth client.
    pub(crate) google: Option<Google>,
    /// One per connected account: its clones share token, pace and budget.
    pub(crate) google_accounts: Mutex<HashMap<AccountId, gcal_client::Account>>,
    /// Connections to CalDAV servers.
    pub(crate) caldav: outbound::Client,
    /// Connections to webhooks.
    pub(crate) webhooks: outbound::Client,
    pub(crate) queue: Queue,
    /// What was done since the start, for whoever measures.
    pub(crate) counters: Counters,
    pub(crate) started_at: Timestamp,
    /// What `config.yaml` declares.
    pub(crate) desk: Desk,
    /// `API_KEY` sets the first key.
    pub(crate) key_is_given: AtomicBool,
    pub(crate) key_is_short: AtomicBool,
    /// Wakes the scheduler: settings or mappings changed.
    pub(crate) wake: Notify,
    /// Wakes the delivery of webhooks: a run has ended.
    pub(crate) delivered: Notify,
    /// Webhooks that are being called.
    pub(crate) lanes: Lanes,
    /// Held plans that were shown.
    pub(crate) seen: crate::held::Seen,
    /// What was found when everything was last looked at.
    pub(crate) doctor: crate::doctor::Last,
    /// Cancelled when the program ends.
    pub(crate) ending: CancellationToken,
    /// Everything that runs in the background.
    pub(crate) tasks: TaskTracker,
    /// Where it runs: not where it was asked for. A web server's threads have runtimes of their own
    /// that end with the server, and a run must not be cut off with them.
    runtime: Handle,
}

impl App {
    /// Builds the services. Nothing runs in the background until [`start`](Self::start); what does,
    /// runs on the runtime that this is called on.
    pub async fn new(config: AppConfig, db: Db, clock: Arc<dyn Clock>) -> Result<Self, UserError> {
        let app = Self::looking(config, db, clock)?;
        let interrupted = app.inner.db.end_interrupted_runs(app.now()).await?;
        if !interrupted.is_empty() {
            tracing::info!(
                runs = interrupted.len(),
                "closed runs that a stop interrupted"
            );
        }
        Ok(app)
    }

    /// Builds the services around a database that was opened for reading only, beside a program that
    /// may have it open: for looking, never to be started.
    pub fn looking(config: AppConfig, db: Db, clock: Arc<dyn Clock>) -> Result<Self, UserError> {
        let google = match &config.google {
            None => None,
            Some(client) => {
                let transport = outbound::Client::new(gcal_client::transport::policy())
                    .map_err(|error| unusable(&error))?;
                let set_up = GoogleConfig {
                    client_id: client.id.clone(),
                    client_secret: client.secret.clone(),
                    endpoints: config.endpoints.clone(),
                    pace: config.pace.clone(),
                };
                let time = Arc::new(gcal_client::WallClock);
                Some(
                    Google::new(set_up, Arc::new(transport), time)
                        .map_err(|error| crate::google::failed(error, clock.now()))?,
                )
            }
        };
        let caldav =
            outbound::Client::new(outbound::Policy::caldav()).map_err(|error| unusable(&error))?;
        let webhooks =
            outbound::Client::new(outbound::Policy::webhook()).map_err(|error| unusable(&error))?;
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                db,
                started_at: clock.now(),
                clock,
                google,
                google_accounts: Mutex::new(HashMap::new()),
                caldav,
                webhooks,
                queue: Queue::default(),
                counters: Counters::default(),
                desk: Desk::default(),
                key_is_given: AtomicBool::new(false),
                key_is_short: AtomicBool::new(false),
                wake: Notify::new(),
                delivered: Notify::new(),
                lanes: Lanes::default(),
                seen: crate::held::Seen::default(),
                doctor: crate::doctor::Last::default(),
                ending: CancellationToken::new(),
                tasks: TaskTracker::new(),
                runtime: Handle::current(),
            }),
        })
    }

    /// Starts what runs in the background: the scheduler, the delivery of webhooks, what is done once
    /// a day, and what `config.yaml` declares and cannot be had yet.
    pub fn start(&self) {
        let app = self.clone();
        self.spawn(async move { app.schedule().await });
        let app = self.clone();
        self.spawn(async move { app.deliver().await });
        let app = self.clone();
        self.spawn(async move { app.every_day().await });
        let app = self.clone();
        self.spawn(async move { Box::pin(app.keep_declared()).await });
    }

    /// Looks after the database once a day, until the program ends: it is checked as a whole once a
    /// week, and what is old is forgotten.
    async fn every_day(&self) {
        loop {
            self.check_weekly().await;
            let keep = self.retention().await;
            match self.inner.db.purge(self.now(), keep).await {
                Ok(purged) if purged == Purged::default() => {}
                Ok(purged) => tracing::info!(
                    runs = purged.runs,
                    conflicts = purged.conflicts,
                    messages = purged.messages,
                    gone = purged.gone,
                    "forgot what is old"
                ),
                Err(error) => tracing::error!(error = %error, "what is old could not be forgotten"),
            }
            tokio::select! {
                () = self.inner.ending.cancelled() => return,
                () = tokio::time::sleep(DAY) => {}
            }
        }
    }

    /// How long things are kept.
    async fn retention(&self) -> Retention {
        let usual = Retention::default();
        match self.settings().await {
            Ok(settings) => Retention {
                run_days: u32::try_from(settings.history_days).unwrap_or(usual.run_days),
                ..usual
            },
            Err(_) => usual,
        }
    }

    /// Runs something in the background; [`stop`](Self::stop) waits for its end.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn_on(task, &self.inner.runtime);
    }

    /// Ends what runs in the background: runs stop before their next write, then the database is
    /// closed. Returns when all is done.
    pub async fn stop(&self) {
        self.inner.ending.cancel();
        self.inner.queue.stop_all();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.db.clone().close().await;
    }

    /// The settings from outside.
    pub fn config(&self) -> &AppConfig {
        &self.inner.config
    }

    /// Whether there is an OAuth client.
    pub fn google_is_configured(&self) -> bool {
        self.inner.google.is_some()
    }

    /// Whether the database can be read and written: `/readyz`. Whoever asks has little patience.
    pub async fn ready(&self) -> Result<(), UserError> {
        match tokio::time::timeout(READY, self.inner.db.check()).await {
            Ok(checked) => Ok(checked?),
            Err(_) => Err(UserError::new(
                Kind::Unavailable,
                "store_busy",
                "The database is busy",
                "The database did not take a write in time.",
                "Look whether another program holds the database, and whether the disk is slow.",
            )),
        }
    }

    /// Now, by the program's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

pub(crate) fn unusable(error: &outbound::Error) -> UserError {
    UserError::new(
        Kind::Internal,
        "no_connections",
        "No connections can be made",
        error.to_string(),
        "Check that the system's certificates (ca-certificates) are installed, then restart.",
    )
}
