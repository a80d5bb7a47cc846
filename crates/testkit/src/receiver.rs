//! A receiver of webhooks: keeps every call and answers as the test says, or not at all.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest that a call is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The request line.
    pub line: String,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub text: String,
    /// The body as JSON.
    pub body: Value,
}

impl Call {
    /// A header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// `webhook-id`.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// What a call gets.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// An answer of this status with these headers (`Name: value`).
    Answer(u16, &'static [&'static str]),
    /// An answer that claims a body and sends endlessly many bytes, slowly.
    Drip(u16),
    /// Nothing, for as long as the caller waits.
    Silence,
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    came: Condvar,
    reaction: Mutex<Option<Reaction>>,
}

/// A running receiver. Its threads end with the process.
pub struct Receiver {
    /// `http://127.0.0.1:PORT/hook`.
    pub url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one that reacts like this.
    pub fn start(reaction: Reaction) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let receiver = Self {
            url: format!("http://{address}/hook"),
            shared: Arc::clone(&shared),
        };
        receiver.react(reaction);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // What breaks off is no call.
                std::thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        receiver
    }

    /// Reacts like this from now on.
    pub fn react(&self, reaction: Reaction) {
        *lock(&self.shared.reaction) = Some(reaction);
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// Waits until there are so many calls; all of them.
    pub fn wait_for(&self, count: usize) -> Vec<Call> {
        let until = Instant::now() + PATIENCE;
        let mut calls = lock(&self.shared.calls);
        while calls.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{count} calls did not come: {calls:#?}");
            let woken = self.shared.came.wait_timeout(calls, left);
            calls = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        calls.clone()
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Ok(());
        }
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let reaction = lock(&shared.reaction).clone();
    lock(&shared.calls).push(Call {
        line: line.trim_end().to_owned(),
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    });
    shared.came.notify_all();
    let mut stream = reader.into_inner();
    match reaction {
        Some(Reaction::Answer(status, more)) => {
            let more: String = more.iter().flat_map(|line| [*line, "\r\n"]).collect();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Some(Reaction::Drip(status)) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: 99999999999\r\n\r\n"
            )?;
            loop {
                stream.write_all(b"x")?;
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        // Until the caller closes.
        Some(Reaction::Silence) | None => stream.read(&mut [0]).map(|_| ()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
