//! [`App`]: what everything hangs on, its start and its stop.

use std::collections::HashMap;
use std::sync::Arc;

use gcal_client::{Google, GoogleConfig};
use store::Db;
use sync_engine::model::AccountId;
use sync_engine::model::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::AppConfig;
use crate::error::{Kind, UserError};
use crate::scheduler::Queue;

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
    /// Wakes the scheduler: settings or mappings changed.
    pub(crate) wake: Notify,
    /// Wakes the delivery of webhooks: a run has ended.
    pub(crate) delivered: Notify,
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
        let interrupted = db.end_interrupted_runs(clock.now()).await?;
        if !interrupted.is_empty() {
            tracing::info!(
                runs = interrupted.len(),
                "closed runs that a stop interrupted"
            );
        }
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                db,
                clock,
                google,
                google_accounts: Mutex::new(HashMap::new()),
                caldav,
                webhooks,
                queue: Queue::default(),
                wake: Notify::new(),
                delivered: Notify::new(),
                ending: CancellationToken::new(),
                tasks: TaskTracker::new(),
                runtime: Handle::current(),
            }),
        })
    }

    /// Starts what runs in the background: the scheduler and the delivery of webhooks.
    pub fn start(&self) {
        let app = self.clone();
        self.spawn(async move { app.schedule().await });
        let app = self.clone();
        self.spawn(async move { app.deliver().await });
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

    /// Whether the database can be read and written: `/readyz`.
    pub async fn ready(&self) -> Result<(), UserError> {
        Ok(self.inner.db.check().await?)
    }

    /// Now, by the program's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

fn unusable(error: &outbound::Error) -> UserError {
    UserError::new(
        Kind::Internal,
        "no_connections",
        "No connections can be made",
        error.to_string(),
        "Check that the system's certificates (ca-certificates) are installed, then restart.",
    )
}
