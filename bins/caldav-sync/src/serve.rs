//! `serve`: opens the database, makes the services, serves pages and REST API, runs the scheduler,
//! and ends gracefully.
//!
//! The order of the start: configuration, data folder, key, database (which locks the folder),
//! port, services, server, scheduler. The order of the end: no new connections, runs stop before
//! their next write, the database is folded together and closed.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use app::records::WebhookSource;
use app::{App, AppConfig, SystemClock, UserError, WebhookInput};
use store::Db;
use tokio::task::JoinHandle;
use url::Url;
use web::WebConfig;

use crate::announce;
use crate::config::data_dir::{DataDir, is_lost_with_container};
use crate::config::environment::Environment;
use crate::config::{Config, Webhook, mount, watch};
use crate::failure::Failure;
use crate::signals::Signals;

/// How long the end may take: Compose kills after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

/// Serves until a signal ends it.
///
/// # Errors
/// Whatever keeps it from starting, or the server failing.
pub(crate) async fn run(environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    warn_of_loss(&config);
    let mut signals = Signals::listen()?;
    let mut serving = Serving::start(config).await?;
    serving.watch(environment.clone());
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "ending"),
        ended = &mut serving.task => return Err(failed(ended)),
    }
    tokio::select! {
        () = serving.stop() => tracing::info!("ended"),
        signal = signals.next() => tracing::warn!(signal, "ended at once"),
    }
    Ok(())
}

/// Folders where data does not last: a container's own file system, one of a network.
fn warn_of_loss(config: &Config) {
    if is_lost_with_container(&config.data_dir) {
        tracing::warn!(
            data_dir = %config.data_dir.display(),
            "DATA_DIR is not a volume: everything in it goes when the container does"
        );
    }
    if let Some(kind) = mount::network(&config.data_dir) {
        tracing::warn!(
            data_dir = %config.data_dir.display(),
            kind,
            "DATA_DIR is on a network file system, where the database may be damaged: move it to a \
             local disk"
        );
    }
}

/// What the services need of the configuration. `base_url` is the default one.
pub(crate) fn of_app(config: &Config, base_url: &Url) -> AppConfig {
    AppConfig {
        base_url: config.base_url.as_ref().unwrap_or(base_url).clone(),
        google: config.google.clone(),
        endpoints: config.endpoints.clone(),
        pace: config.pace.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The running program.
pub(crate) struct Serving {
    /// The services.
    pub(crate) app: App,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Serving {
    /// Starts everything.
    pub(crate) async fn start(config: Config) -> Result<Self, Failure> {
        let data = DataDir::check(&config.data_dir)?;
        let (keys, made) = data.keys(config.secret_key.as_ref())?;
        if made {
            tracing::info!(
                "made secret.key in DATA_DIR: keep a copy of it apart from the database"
            );
        }
        // Opening blocks, and reads the whole file once.
        let path = data.database();
        let db = tokio::task::spawn_blocking(move || Db::open(&path, keys))
            .await
            .map_err(|error| Failure::System {
                doing: "opening the database",
                source: error.into(),
            })??;
        let (listener, bound) = listen(config.bind)?;
        let for_app = of_app(&config, &localhost(bound.port())?);
        let base_url = for_app.base_url.clone();
        let app = App::new(for_app, db, Arc::new(SystemClock)).await?;
        keep_webhook(&app, config.webhook).await?;
        app.declare(config.declared).await?;
        let generated = app.ensure_key(config.api_key.as_ref()).await?;
        let server = web::server(
            listener,
            app.clone(),
            WebConfig {
                base_url,
                trusted_proxies: config.trusted_proxies,
                forward_auth_header: config.forward_auth_header,
                allowed_hosts: config.allowed_hosts,
                local_access: config.local_access,
            },
        )
        .map_err(|source| Failure::System {
            doing: "starting the server",
            source,
        })?;
        let handle = server.handle();
        let task = tokio::spawn(server);
        app.start();
        if let Some(key) = generated {
            announce::key(&key);
        }
        announce::address(&app, bound);
        Ok(Self {
            app,
            handle,
            task,
            watch: None,
        })
    }

    /// Takes over what changes in `config.yaml` from now on.
    fn watch(&mut self, environment: Environment) {
        let app = self.app.clone();
        self.watch = Some(tokio::spawn(watch::run(app, environment)));
    }

    /// Ends everything, in eight seconds at most: what takes longer is resumed at the next start,
    /// as after any other interruption.
    pub(crate) async fn stop(self) {
        if let Some(watch) = self.watch {
            watch.abort();
        }
        let end = async {
            // Both at once: a request may be waiting for a run to end.
            tokio::join!(self.handle.stop(true), self.app.stop());
            let _ = self.task.await;
        };
        if tokio::time::timeout(GRACE, end).await.is_err() {
            tracing::warn!("something took too long to end; the next start resumes it");
        }
    }
}

fn failed(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> Failure {
    let source = match ended {
        Ok(Ok(())) => std::io::Error::other("it ended by itself"),
        Ok(Err(error)) => error,
        Err(error) => error.into(),
    };
    Failure::System {
        doing: "the server failed",
        source,
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    });
    listener.map_err(|source| Failure::Listen { address, source })
}

/// The address where nothing else is said.
pub(crate) fn localhost(port: u16) -> Result<Url, Failure> {
    Url::parse(&format!("http://localhost:{port}/")).map_err(|error| Failure::System {
        doing: "making the default BASE_URL",
        source: std::io::Error::other(error),
    })
}

/// The webhook of `WEBHOOK_URL`, or none.
pub(crate) async fn keep_webhook(app: &App, webhook: Option<Webhook>) -> Result<(), UserError> {
    let webhook = webhook.map(|Webhook { url, secret }| WebhookInput {
        id: None,
        url: url.into(),
        secret,
        enabled: true,
    });
    app.keep_webhooks(WebhookSource::Environment, webhook.into_iter().collect())
        .await
}
