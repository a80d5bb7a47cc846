//! The HTTP server: listener, limits, time-outs.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web as aw};

use crate::config::WebConfig;
use crate::gate;
use crate::routes::routes;
use crate::web::Web;

/// Threads that serve requests; the work itself is the application's.
const WORKERS: usize = 2;
/// Connections at once and worker.
const CONNECTIONS: usize = 512;
/// Time for a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// Idle time of a connection.
const IDLE: Duration = Duration::from_mins(1);
/// Seconds that requests under way get when the server is stopped gracefully.
const FAREWELL: u64 = 8;

/// Makes a server on a listener. Await it to serve; stop it through its handle
/// ([`Server::handle`]), gracefully or at once. It handles no signals.
///
/// # Errors
/// The listener cannot be used, or the system gives no random numbers.
pub fn server(listener: TcpListener, app: app::App, config: WebConfig) -> io::Result<Server> {
    let port = listener.local_addr()?.port();
    let web = Web::new(app, config, port).map_err(io::Error::other)?;
    if web.rules().local_in_force() {
        tracing::warn!("requests from this computer need no key. LOCAL_ACCESS=off ends that");
    }
    let web = aw::Data::new(web);
    let server = HttpServer::new(move || {
        let web = web.clone();
        App::new()
            .app_data(web.clone())
            .wrap(middleware::from_fn(gate::guard))
            .wrap(middleware::Compress::default())
            .configure(|config| routes(config, &web))
            .default_service(aw::to(gate::nothing_here))
    })
    .workers(WORKERS)
    .max_connections(CONNECTIONS)
    .client_request_timeout(HEAD)
    .keep_alive(IDLE)
    .client_disconnect_timeout(Duration::from_secs(2))
    .shutdown_timeout(FAREWELL)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
