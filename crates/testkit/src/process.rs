//! A child process that says on which port it listens, and that dies with its handle.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a server may take to start. Two cores are easily busy with a build.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running child. Killed and waited for on drop; a child that watches its standard input also
/// ends when this whole process is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The port it printed as `port N`.
    pub(crate) port: u16,
}

impl Process {
    /// Starts a command and waits until it has printed `port N` and accepts connections there.
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
                if let Some(port) = line.strip_prefix("port ") {
                    send.send(port.trim().parse::<u16>()).ok();
                }
            }
        });
        let started = Instant::now();
        let port = match receive.recv_timeout(PATIENCE) {
            Ok(Ok(port)) => port,
            _ => {
                child.kill().ok();
                child.wait().ok();
                let said = std::fs::read_to_string(log).unwrap_or_default();
                panic!(
                    "{what} did not start (is `cargo xtask test` up to date?). It said:\n{said}"
                );
            }
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

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
