//! A child process that says on which port it listens, and that dies with its handle.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a server may take to start. Two cores are easily busy with a build.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program of the system: the one that the environment variable names, or the one at the path.
pub(crate) fn program(variable: &str, path: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(path), PathBuf::from);
    assert!(
        path.exists(),
        "There is no {}. `cargo xtask test` installs what the tests need where it may; else install \
         it, or set {variable}.",
        path.display()
    );
    path
}

/// A running child. Killed and waited for on drop; a child that watches its standard input also
/// ends when this whole process is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The port it printed as `… port N`.
    pub(crate) port: u16,
}

impl Process {
    /// Starts a command and waits until it has printed `port N` (on a line of its own or at the
    /// end of one) and accepts connections there.
    pub(crate) fn start(command: &mut Command, what: &str, log: &Path) -> Self {
        let errors = File::create(log).expect("the test's folder takes a log file");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{what} cannot be started: {error}"));
        let out = child.stdout.take().expect("the output is piped");
        let (send, receive) = mpsc::channel();
        // Goes on reading to the end, so that the child never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(port) = port_in(&line) {
                    send.send(port).ok();
                }
            }
        });
        let started = Instant::now();
        let Ok(port) = receive.recv_timeout(PATIENCE) else {
            child.kill().ok();
            child.wait().ok();
            let said = std::fs::read_to_string(log).unwrap_or_default();
            panic!("{what} did not start (is `cargo xtask test` up to date?). It said:\n{said}");
        };
        let process = Self { child, port };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(
                started.elapsed() < PATIENCE,
                "{what} does not answer on port {port}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }
}

/// The port in `port 4711`, `Started on port 4711.` and the like; 0 is no port.
fn port_in(line: &str) -> Option<u16> {
    let (_, tail) = line.rsplit_once("port ")?;
    let port = tail.trim().trim_end_matches('.').parse().ok()?;
    (port != 0).then_some(port)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_what_servers_say() {
        assert_eq!(port_in("port 4711"), Some(4711));
        assert_eq!(
            port_in("ChromeDriver was started successfully on port 4711."),
            Some(4711)
        );
        assert_eq!(port_in("Starting ChromeDriver 1.2 (x) on port 0"), None);
        assert_eq!(port_in("Only local connections are allowed."), None);
    }
}
