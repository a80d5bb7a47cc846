//! `healthcheck`: asks the server on this machine whether it is alive and ready. For the container,
//! whose image has no other program to ask with.
//!
//! The probes answer at the root whatever `BASE_URL` says, so `BIND` is all it needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::Config;
use crate::config::environment::Environment;
use crate::failure::Failure;

/// Less than the five seconds the image allows.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks `/healthz` and `/readyz`.
///
/// # Errors
/// No answer, or one that is not 200.
pub(crate) async fn run(environment: &Environment) -> Result<(), Failure> {
    let bind = Config::read_bind(environment)?;
    if bind.port() == 0 {
        return Err(Failure::unhealthy(
            "BIND names port 0, so nobody knows which port was taken. Set BIND to a port.",
        ));
    }
    let server = reachable(bind);
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| Failure::unhealthy(error.to_string()))?;
    for probe in ["healthz", "readyz"] {
        let url = format!("http://{server}/{probe}");
        let answer = client.get(&url).send().await.map_err(|error| {
            let why = if error.is_timeout() {
                "it does not answer in time"
            } else {
                "nothing answers there"
            };
            Failure::unhealthy(format!("{url}: {why}."))
        })?;
        if answer.status() != reqwest::StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(Failure::unhealthy(format!("{url}: it answers {status}.")));
        }
    }
    Ok(())
}

/// An address that listens everywhere is asked on the loopback.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let address = match bind.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(address, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_is_asked_on_the_loopback() {
        let asked = |bind: &str| reachable(bind.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:80"), "[::1]:80");
        assert_eq!(asked("192.168.1.4:80"), "192.168.1.4:80");
    }
}
