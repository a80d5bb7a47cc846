//! The HTTP server: listener, limits, time-outs.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web as aw};

use crate::config::WebConfig;
use crate::failure::Failure;
use crate::gate;
use crate::routes::routes;
use crate::web::Web;

/// Threads that serve requests; the work itself is the application's.
const WORKERS: usize = 2;
/// Connections at once: enough that a thousand half-open ones leave room for others.
const CONNECTIONS: usize = 2048;
/// Open files that are kept for all else: the database, both sides, the log.
const OTHER_FILES: usize = 200;
/// Time for a request's head.
const HEAD: Duration = Duration::from_secs(5);
/// Idle time of a connection.
const IDLE: Duration = Duration::from_secs(20);
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
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let server = HttpServer::new(move || {
        let web = web.clone();
        App::new()
            .app_data(web.clone())
            // An id that is no text is nobody's.
            .app_data(
                aw::PathConfig::default().error_handler(|_, _| Failure::no_such_path().into()),
            )
            .wrap(middleware::from_fn(gate::guard))
            .wrap(middleware::Compress::default())
            .configure(|config| routes(config, &web))
            .default_service(aw::to(gate::nothing_here))
    })
    .workers(WORKERS)
    .max_connections(connections(&limits) / WORKERS)
    .client_request_timeout(HEAD)
    .keep_alive(IDLE)
    .client_disconnect_timeout(Duration::from_secs(2))
    .shutdown_timeout(FAREWELL)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

/// How many connections there may be at once, by what the system says of open files (Linux; elsewhere
/// as where 1,024 are allowed): those who hold connections must not take away the database's.
fn connections(limits: &str) -> usize {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let files = line.map_or("1024", |line| {
        line.split_whitespace().nth(3).unwrap_or("1024")
    });
    let files = files.parse().unwrap_or(usize::MAX);
    files
        .saturating_sub(OTHER_FILES)
        .clamp(64 * WORKERS, CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn connections_leave_open_files_for_all_else() {
        let limits = |files: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             100                  100                  processes \n\
                 Max open files            {files}                 524288               files     \n"
            )
        };
        assert_eq!(connections(&limits("1024")), 824);
        assert_eq!(connections(&limits("20000")), 2048);
        assert_eq!(connections(&limits("unlimited")), 2048);
        assert_eq!(connections(&limits("100")), 128);
        assert_eq!(connections(""), 824);
    }
}
