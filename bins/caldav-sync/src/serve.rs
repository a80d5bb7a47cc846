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
use app::{App, AppConfig, SystemClock};
use store::Db;
use store::records::{NewWebhook, WebhookSource};
use tokio::task::JoinHandle;
use url::Url;
use web::WebConfig;

use crate::announce;
use crate::config::data_dir::{DataDir, is_lost_with_container};
use crate::config::environment::Environment;
use crate::config::{Config, Webhook};
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

/// A data folder inside a container's own file system goes with the container.
fn warn_of_loss(config: &Config) {
    if is_lost_with_container(&config.data_dir) {
        tracing::warn!(
            data_dir = %config.data_dir.display(),
            "DATA_DIR is not a volume: everything in it goes when the container does"
        );
    }
}

/// The running program.
pub(crate) struct Serving {
    /// The services.
    pub(crate) app: App,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
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
        keep_webhook(&db, config.webhook).await?;
        let base_url = match config.base_url {
            Some(given) => given,
            None => localhost(bound.port())?,
        };
        let app = App::new(
            AppConfig {
                base_url: base_url.clone(),
                google: config.google,
                endpoints: config.endpoints,
                pace: config.pace,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            db,
            Arc::new(SystemClock),
        )
        .await?;
        let generated = app.ensure_key(config.api_key.as_ref()).await?;
        let server = web::server(
            listener,
            app.clone(),
            WebConfig {
                base_url,
                trusted_proxies: config.trusted_proxies,
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
        Ok(Self { app, handle, task })
    }

    /// Ends everything, in eight seconds at most: what takes longer is resumed at the next start,
    /// as after any other interruption.
    pub(crate) async fn stop(self) {
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

fn localhost(port: u16) -> Result<Url, Failure> {
    Url::parse(&format!("http://localhost:{port}/")).map_err(|error| Failure::System {
        doing: "making the default BASE_URL",
        source: std::io::Error::other(error),
    })
}

/// The webhook of the environment takes the place of the one of the last start. The same address
/// keeps its id, and with it what still waits to be delivered.
async fn keep_webhook(db: &Db, webhook: Option<Webhook>) -> Result<(), Failure> {
    let stored = db.webhooks().await?;
    let before = stored
        .iter()
        .find(|stored| stored.source == WebhookSource::Environment);
    if before.is_none() && webhook.is_none() {
        return Ok(());
    }
    let wanted = webhook.map(|Webhook { url, secret }| NewWebhook {
        // A secret that is gone can only be dropped together with the entry.
        id: before
            .filter(|before| before.url == url.as_str() && before.has_secret == secret.is_some())
            .map(|before| before.id.clone()),
        url: url.into(),
        secret,
        enabled: true,
    });
    db.put_webhooks(WebhookSource::Environment, wanted.into_iter().collect())
        .await?;
    Ok(())
}
