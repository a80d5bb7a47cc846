//! Faults to inject: which requests they strike, and what happens to those.
//!
//! A fault strikes once unless told otherwise. The core decides which fault a request meets
//! ([`Faults::strike`], counted, so deterministic); the shell carries out what only a connection
//! can suffer (delay, reset, cut body).

use serde::{Deserialize, Serialize};

/// One fault: what it matches and what it does.
///
/// As JSON over `/_sim/faults`:
/// `{"method": "PUT", "nth": 2, "moment": "after", "action": "reset"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only this method, in upper case; `None` is any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths (as sent) that contain this; `None` is any.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only bodies that contain this (a report's name, a UID); `None` is any.
    #[serde(default)]
    pub body_contains: Option<String>,
    /// The first matching request to strike, counted from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many matching requests in a row are struck; 0 is every one from then on.
    #[serde(default = "one")]
    pub times: u32,
    /// Before or after the request took effect.
    #[serde(default)]
    pub moment: Moment,
    /// What happens.
    pub action: FaultAction,
}

const fn one() -> u32 {
    1
}

impl Fault {
    /// A fault that strikes the first request of `method` (any path) before it takes effect.
    #[must_use]
    pub fn on(method: &str, action: FaultAction) -> Self {
        Self {
            method: Some(method.to_owned()),
            path_contains: None,
            body_contains: None,
            nth: 1,
            times: 1,
            moment: Moment::Before,
            action,
        }
    }

    /// The same fault, after the request took effect: the answer is lost or false.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.moment = Moment::After;
        self
    }

    /// The same fault, only for paths that contain `part`.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// The same fault, only for bodies that contain `part`.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        self.body_contains = Some(part.to_owned());
        self
    }

    /// The same fault, first striking the `nth` matching request (from 1).
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// The same fault, striking `times` matching requests in a row; 0 is for ever.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, method: &str, path: &str, body: &[u8]) -> bool {
        self.method.as_deref().is_none_or(|m| m == method)
            && self
                .path_contains
                .as_deref()
                .is_none_or(|part| path.contains(part))
            && self
                .body_contains
                .as_deref()
                .is_none_or(|part| String::from_utf8_lossy(body).contains(part))
    }
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The request has no effect.
    #[default]
    Before,
    /// The request takes effect; only its answer suffers.
    After,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// This status, with a `Retry-After` if given, and this body.
    Status {
        /// The status code.
        code: u16,
        /// The `Retry-After` header, verbatim.
        #[serde(default)]
        retry_after: Option<String>,
        /// The body, as text.
        #[serde(default)]
        body: String,
    },
    /// The connection closes without an answer.
    Reset,
    /// The answer's header promises the whole body, the connection closes after this many bytes.
    CutBody {
        /// Bytes sent.
        bytes: usize,
    },
    /// The answer is sent this many milliseconds late.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
}

impl FaultAction {
    /// A plain status without body or `Retry-After`.
    #[must_use]
    pub const fn status(code: u16) -> Self {
        Self::Status {
            code,
            retry_after: None,
            body: String::new(),
        }
    }
}

/// The faults that are armed, each with the number of requests it has matched.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn list(&self) -> Vec<Fault> {
        self.0.iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// Counts the request against every fault and returns the first that strikes.
    pub(super) fn strike(&mut self, method: &str, path: &str, body: &[u8]) -> Option<Fault> {
        let mut struck = None;
        for (fault, seen) in &mut self.0 {
            if !fault.matches(method, path, body) {
                continue;
            }
            *seen += 1;
            let first = fault.nth.max(1);
            let open = fault.times == 0 || *seen < first.saturating_add(fault.times);
            if *seen >= first && open && struck.is_none() {
                struck = Some(fault.clone());
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_the_nth_match_as_often_as_told() {
        let mut faults = Faults::default();
        faults.add(
            Fault::on("PUT", FaultAction::Reset)
                .path("/work/")
                .nth(2)
                .times(2),
        );
        let mut struck = Vec::new();
        for path in ["/work/a", "/home/a", "/work/b", "/work/c", "/work/d"] {
            struck.push(faults.strike("PUT", path, b"").is_some());
        }
        assert_eq!(struck, [false, false, true, true, false]);
        assert!(faults.strike("GET", "/work/b", b"").is_none());
    }

    #[test]
    fn a_fault_reads_from_short_json() {
        let fault: Fault =
            serde_json::from_str(r#"{"method":"PUT","moment":"after","action":"reset"}"#).unwrap();
        assert_eq!(fault, Fault::on("PUT", FaultAction::Reset).after());
    }
}
