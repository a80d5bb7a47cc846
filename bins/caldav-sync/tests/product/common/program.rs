//! The binary under test, as a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::api::Api;

/// The longest that anything which is waited for may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The key that the tests come in with.
pub(crate) const KEY: &str = "key-of-the-whole-product-tests";

/// A running `caldav-sync`.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// `http://localhost:PORT`.
    pub(crate) url: String,
    log: Arc<Mutex<Vec<String>>>,
}

/// The binary with an environment of its own: nothing of this machine's leaks in.
pub(crate) fn command(arguments: &[&str], environment: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caldav-sync"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null());
    command
}

impl Program {
    /// Starts `serve` on a free port and waits until it listens.
    pub(crate) fn serve(data: &Path, environment: &BTreeMap<String, String>) -> Self {
        let mut all = BTreeMap::from([
            ("DATA_DIR".to_owned(), data.display().to_string()),
            ("BIND".to_owned(), "127.0.0.1:0".to_owned()),
            ("API_KEY".to_owned(), KEY.to_owned()),
            ("LOG_FORMAT".to_owned(), "text".to_owned()),
        ]);
        all.extend(environment.clone());
        Self::start(&["serve"], &all, |line| {
            line.split_once("Listening on ")
                .and_then(|(_, rest)| rest.split_whitespace().next())
                .map(|url| url.trim_end_matches('/').to_owned())
        })
    }

    /// Starts the binary and waits for the line from which `address` reads where it listens.
    pub(crate) fn start(
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
        address: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut child = command(arguments, environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (send, lines) = mpsc::channel();
        for stream in [
            child
                .stdout
                .take()
                .map(|s| Box::new(s) as Box<dyn std::io::Read + Send>),
            child
                .stderr
                .take()
                .map(|s| Box::new(s) as Box<dyn std::io::Read + Send>),
        ]
        .into_iter()
        .flatten()
        {
            let (log, send) = (Arc::clone(&log), send.clone());
            // To the end, so that the child never blocks on a full pipe.
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    log.lock().unwrap().push(line.clone());
                    send.send(line).ok();
                }
            });
        }
        drop(send);
        let mut program = Self {
            child,
            url: String::new(),
            log,
        };
        let started = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(started.elapsed());
            let Ok(line) = lines.recv_timeout(left) else {
                panic!("it did not start; it said:\n{}", program.log());
            };
            if let Some(url) = address(&line) {
                program.url = url;
                return program;
            }
        }
    }

    /// Everything it said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Its REST API, with the key.
    pub(crate) fn api(&self) -> Api {
        Api::new(&self.url, KEY)
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; waits for the end. How it ended, and how long that took.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        while asked.elapsed() < Duration::from_secs(15) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end; it said:\n{}", self.log());
    }

    /// Runs the binary to its end.
    pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        command(arguments, &environment).output().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- what the program said:\n{}\n---", self.log());
        }
    }
}

/// Asks again and again until something is there; `what` is for the failure.
pub(crate) async fn wait_until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
