//! A bare HTTP client over a socket, and a signed-in session with a simulator.
//! Bare on purpose: it sees broken answers as they are.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use simulators::google::{DEFAULT_ACCOUNT, GoogleSim, GoogleSimConfig, Knobs, schema};

pub(crate) const ADA: &str = DEFAULT_ACCOUNT;
pub(crate) const EVENTS: &str = "/calendar/v3/calendars/primary/events";

/// One answer, or what arrived of it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// 0 when the connection closed without an answer.
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// The answer of a call that must have worked.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Status and reason of a call that must have been refused, in Google's shape.
    #[track_caller]
    pub(crate) fn refused(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["code"], self.status, "{body}");
        assert_eq!(error["message"], error["errors"][0]["message"]);
        let reason = error["errors"][0]["reason"].as_str().unwrap().to_owned();
        (self.status, reason)
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Sends one request and reads the answer to the end of the connection.
pub(crate) fn send(base: &str, head: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut text = Vec::new();
    write!(
        text,
        "{head} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n"
    )
    .unwrap();
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n", body.len()).unwrap();
    stream.write_all(&text).unwrap();
    stream.write_all(body).unwrap();
    let mut raw = Vec::new();
    // A reset is an answer too: an empty one.
    let _ = stream.read_to_end(&mut raw);
    let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply {
            status: 0,
            headers: Vec::new(),
            body: raw,
        };
    };
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    Reply {
        status,
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
            .collect(),
        body: raw[end + 4..].to_vec(),
    }
}

/// A simulator and a token of its first account with full access.
pub(crate) struct Session {
    pub(crate) sim: GoogleSim,
    pub(crate) token: String,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self::with(GoogleSimConfig::default())
    }

    pub(crate) fn knobs(change: impl FnOnce(&mut Knobs)) -> Self {
        Self::with(GoogleSimConfig::default().knobs(change))
    }

    pub(crate) fn with(config: GoogleSimConfig) -> Self {
        let sim = GoogleSim::start(config).unwrap();
        let token = sim.sign_in(ADA, &["calendar"]).unwrap().access_token;
        Self { sim, token }
    }

    /// A call with headers; answers are held against their schema.
    #[track_caller]
    pub(crate) fn call(&self, head: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend_from_slice(headers);
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let reply = send(&self.sim.base_url(), head, &all, bytes.as_bytes());
        let whole = reply.header("content-encoding").is_none() && !head.contains("fields=");
        if reply.status == 200
            && whole
            && let Some(entry) = self.sim.log().last()
            && let Some(name) = schema::response_schema(&entry.method)
            && !entry.faulted
        {
            let problems = schema::check(name, &reply.json());
            assert!(problems.is_empty(), "{head}: {problems:?}");
        }
        reply
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.call(&format!("GET {path}"), &[], None)
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(&format!("POST {path}"), &[], Some(body))
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(&format!("PUT {path}"), &[], Some(body))
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call(&format!("PATCH {path}"), &[], Some(body))
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.call(&format!("DELETE {path}"), &[], None)
    }

    /// Inserts into the primary calendar and must succeed.
    #[track_caller]
    pub(crate) fn insert(&self, body: &Value) -> Value {
        self.post(EVENTS, body).ok()
    }

    /// One page of the primary calendar's events.
    #[track_caller]
    pub(crate) fn list(&self, query: &str) -> Value {
        self.get(&format!("{EVENTS}?{query}")).ok()
    }

    /// Ids in one page, sorted.
    #[track_caller]
    pub(crate) fn ids(&self, query: &str) -> Vec<String> {
        ids(&self.list(query))
    }

    /// A full list's sync token.
    #[track_caller]
    pub(crate) fn sync_token(&self) -> String {
        self.list("")["nextSyncToken"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    let mut out: Vec<String> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    out.sort();
    out
}

/// `base` with the fields of `more` on top.
pub(crate) fn plus(mut base: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

/// A timed event of an hour, 2026-11-09 10:00 in Berlin, a Monday.
pub(crate) fn timed() -> Value {
    json!({
        "summary": "Tea",
        "start": {"dateTime": "2026-11-09T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-09T11:00:00+01:00", "timeZone": "Europe/Berlin"},
    })
}

/// An all-day event, 2026-11-09.
pub(crate) fn all_day() -> Value {
    json!({
        "summary": "Holiday",
        "start": {"date": "2026-11-09"},
        "end": {"date": "2026-11-10"},
    })
}

/// The id of [`weekly`].
pub(crate) const SERIES: &str = "series";

/// Ten Mondays from 2026-11-09.
pub(crate) fn weekly() -> Value {
    plus(
        timed(),
        &json!({"id": SERIES, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=10"]}),
    )
}
