//! The binary under test, as a process of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::api::Api;
use super::canary;

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
    log: Arc<Mutex<Log>>,
    /// Who reads what it says.
    readers: Vec<JoinHandle<()>>,
    data: Option<PathBuf>,
    /// What was in the data folder before it was started.
    before: BTreeSet<PathBuf>,
}

/// What a program says: all of it in a file, and what an operator would see.
#[derive(Debug)]
struct Log {
    all: std::fs::File,
    lines: Vec<String>,
}

impl Log {
    fn new() -> Self {
        Self {
            all: tempfile::tempfile().unwrap(),
            lines: Vec::new(),
        }
    }

    fn take(&mut self, line: &str) {
        writeln!(self.all, "{line}").unwrap();
        let talk = [
            " TRACE ",
            " DEBUG ",
            "\"level\":\"TRACE\"",
            "\"level\":\"DEBUG\"",
        ];
        if !talk.iter().any(|level| line.contains(level)) {
            self.lines.push(line.to_owned());
        }
    }

    fn whole(&mut self) -> Vec<u8> {
        use std::io::{Read as _, Seek as _};
        let mut text = Vec::new();
        self.all.rewind().unwrap();
        self.all.read_to_end(&mut text).unwrap();
        text
    }
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

/// Runs the binary to its end. What it says holds no secret, nor does a backup that it makes, unless
/// that is to have the key.
pub(crate) fn run(arguments: &[&str], environment: &BTreeMap<String, String>) -> Output {
    canary::environment(environment);
    let output = command(arguments, environment).output().unwrap();
    let backup = arguments.iter().skip_while(|word| **word != "backup");
    let made = backup.skip(1).find(|_| !arguments.contains(&"--with-key"));
    let words = [output.stdout.as_slice(), &output.stderr].concat();
    let found = canary::found(&words, made.map(Path::new), &BTreeSet::new());
    assert!(found.is_empty(), "{arguments:?}: {found:#?}");
    output
}

/// Everything that a command said.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
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
                // In JSON a quotation mark follows.
                .and_then(|(_, rest)| rest.split([' ', '"']).next())
                .map(|url| url.trim_end_matches('/').to_owned())
        })
    }

    /// Starts the binary and waits for the line from which `address` reads where it listens.
    pub(crate) fn start(
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
        address: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut environment = environment.clone();
        let level = environment.entry("RUST_LOG".to_owned());
        level.or_insert_with(|| canary::TALKATIVE.to_owned());
        canary::environment(&environment);
        let data = environment.get("DATA_DIR").map(PathBuf::from);
        let before = canary::files(data.as_deref());
        let mut child = command(arguments, &environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Log::new()));
        let mut readers = Vec::new();
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
            readers.push(std::thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    log.lock().unwrap().take(&line);
                    send.send(line).ok();
                }
            }));
        }
        drop(send);
        let mut program = Self {
            child,
            url: String::new(),
            log,
            readers,
            data,
            before,
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

    /// What it said so far, but for what it says only when it is asked to be talkative.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().lines.join("\n")
    }

    /// What it said, once these words are in it: an answer may be here before the line about it.
    pub(crate) async fn log_with(&self, words: &str) -> String {
        wait_until(&format!("{words:?} in the log"), async || {
            Some(self.log()).filter(|log| log.contains(words))
        })
        .await
    }

    /// Everything it said so far.
    pub(crate) fn whole_log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap().whole()).into_owned()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port it listens on, whatever address it is told to be reached by.
    pub(crate) fn port(&self) -> u16 {
        let log = self.log();
        let (_, after) = log.split_once("bound").unwrap();
        // As text `bound=…`, as JSON `"bound":"…"`.
        let after = after.trim_start_matches(['=', ':', '"']);
        let bound: SocketAddr = after
            .split([' ', '"', '\n'])
            .next()
            .unwrap()
            .parse()
            .unwrap();
        bound.port()
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
        run(arguments, &environment)
    }

    /// Looks whether it kept the test's secrets, once it has ended.
    fn kept_secrets(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().ok();
        }
        let log = self.log.lock().unwrap().whole();
        let found = canary::found(&log, self.data.as_deref(), &self.before);
        assert!(found.is_empty(), "secrets were not kept: {found:#?}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- what the program said:\n{}\n---", self.log());
        } else {
            self.kept_secrets();
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
