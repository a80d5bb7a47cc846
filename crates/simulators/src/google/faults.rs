//! Faults a test orders beforehand: which requests they hit and what happens to
//! them. Carrying them out is the dispatcher's and the HTTP shell's work.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Dice;
use super::error::ApiError;
use super::wire::{Delivery, Request, Response};

/// One order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    #[serde(rename = "match", default)]
    pub matching: Match,
    /// Before the request takes effect, or after it.
    #[serde(default)]
    pub when: When,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
    /// How many requests it hits; 0 is for ever.
    #[serde(default = "once")]
    pub times: u32,
}

const fn once() -> u32 {
    1
}

/// Which requests a fault hits; what is absent matches everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Match {
    /// API method (`events.insert`), `auth`, `token` or `revoke`.
    pub method: Option<String>,
    /// A part of the path.
    pub path: Option<String>,
    /// From the nth matching request on, counted from 1.
    pub nth: Option<u32>,
    /// With this probability, by the seeded randomness.
    pub probability: Option<f64>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum When {
    /// Instead of the effect.
    #[default]
    Before,
    /// The effect takes place, the answer is lost or replaced.
    After,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Action {
    /// An error answer.
    Status {
        /// HTTP status.
        status: u16,
        /// `errors[0].reason`, or OAuth's `error` at `/token`.
        reason: String,
        /// `errors[0].domain`; `global` when absent.
        #[serde(default)]
        domain: Option<String>,
        /// The text; the reason when absent.
        #[serde(default)]
        message: Option<String>,
        /// Seconds of a Retry-After header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The connection closes without an answer.
    Reset,
    /// The answer breaks off after `keep` bytes.
    Truncate {
        /// Bytes of the body that arrive.
        keep: usize,
    },
    /// An HTML page as a front end sends it.
    Html {
        /// HTTP status, for instance 502.
        status: u16,
    },
    /// The clock moves on before the request is handled.
    Delay {
        /// Virtual milliseconds.
        ms: i64,
    },
    /// The answer waits in real time.
    Hold {
        /// Real milliseconds.
        ms: u64,
    },
    /// The answer trickles.
    Drip {
        /// Bytes per piece.
        bytes: usize,
        /// Real milliseconds between pieces.
        pause_ms: u64,
    },
    /// A person edits a calendar at this moment; the request goes on.
    AsUser(PersonEdit),
}

/// What a person does in Google's own interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonEdit {
    /// Whose hands.
    pub account: String,
    /// Calendar id or `primary`.
    pub calendar: String,
    /// `insert`, `patch`, `update`, `delete`, `get` or `plant`.
    pub op: String,
    /// Event id, except for `insert` and `plant`.
    #[serde(default)]
    pub id: String,
    /// The body, except for `delete`.
    #[serde(default)]
    pub body: Value,
}

impl Fault {
    /// A fault that hits the next request of `method`, before its effect.
    pub fn before(method: &str, action: Action) -> Self {
        Self {
            matching: Match {
                method: Some(method.to_owned()),
                ..Match::default()
            },
            when: When::Before,
            action,
            times: 1,
        }
    }

    /// A fault that hits the next request of `method`, after its effect.
    pub fn after(method: &str, action: Action) -> Self {
        Self {
            when: When::After,
            ..Self::before(method, action)
        }
    }

    /// The request takes effect and its answer is lost.
    pub fn lost_answer(method: &str) -> Self {
        Self::after(method, Action::Reset)
    }

    /// An error answer without effect.
    pub fn status(method: &str, status: u16, reason: &str) -> Self {
        Self::before(
            method,
            Action::Status {
                status,
                reason: reason.to_owned(),
                domain: None,
                message: None,
                retry_after: None,
            },
        )
    }

    /// Hits `times` requests; 0 is for ever.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Starts with the nth matching request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.matching.nth = Some(nth);
        self
    }
}

/// The orders still standing, with how many matching requests each has seen.
#[derive(Debug, Clone, Default)]
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

    /// The actions that hit this request, in order; used up ones are dropped.
    pub(super) fn strike(
        &mut self,
        method: &str,
        request: &Request,
        dice: &mut Dice,
    ) -> Vec<(When, Action)> {
        let mut out = Vec::new();
        self.0.retain_mut(|(fault, seen)| {
            let wanted = &fault.matching;
            let fits = wanted.method.as_deref().is_none_or(|m| m == method)
                && wanted
                    .path
                    .as_deref()
                    .is_none_or(|part| request.path.contains(part));
            if !fits {
                return true;
            }
            *seen += 1;
            if wanted.nth.is_some_and(|nth| *seen < nth)
                || wanted.probability.is_some_and(|p| !dice.chance(p))
            {
                return true;
            }
            out.push((fault.when, fault.action.clone()));
            if fault.times == 1 {
                return false;
            }
            fault.times = fault.times.saturating_sub(1);
            true
        });
        out
    }
}

/// The answer a fault gives by itself, if it gives one.
pub(super) fn answer(action: &Action, oauth: bool) -> Option<Response> {
    match action {
        Action::Status {
            status,
            reason,
            domain,
            message,
            retry_after,
        } => {
            let text = message.clone().unwrap_or_else(|| reason.clone());
            if oauth {
                return Some(Response::json(
                    *status,
                    &serde_json::json!({"error": reason, "error_description": text}),
                ));
            }
            let mut error = ApiError::new(*status, reason.clone(), text);
            if let Some(domain) = domain {
                error = error.domain(domain.clone());
            }
            error.retry_after = *retry_after;
            Some(error.response())
        }
        Action::Html { status } => Some(Response::html(
            *status,
            format!(
                "<!DOCTYPE html><html lang=en><title>Error {status}</title>\
                 <p>The server encountered a temporary error.</html>"
            ),
        )),
        Action::Reset => Some(Response {
            delivery: Delivery::Reset,
            ..Response::empty(500)
        }),
        _ => None,
    }
}

/// What a fault does to an answer that exists.
pub(super) fn disturb(action: &Action, response: Response) -> Response {
    let delivery = match action {
        Action::Truncate { keep } => Delivery::Truncate { keep: *keep },
        Action::Hold { ms } => Delivery::Hold { ms: *ms },
        Action::Drip { bytes, pause_ms } => Delivery::Drip {
            bytes: *bytes,
            pause_ms: *pause_ms,
        },
        _ => return response,
    };
    Response {
        delivery,
        ..response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &mut Faults, method: &str) -> usize {
        let request = Request {
            path: "/calendar/v3/x".into(),
            ..Request::default()
        };
        faults.strike(method, &request, &mut Dice::new(1)).len()
    }

    #[test]
    fn times_and_nth_are_counted() {
        let mut faults = Faults::default();
        faults.add(Fault::lost_answer("events.insert").nth(2).times(2));
        let seen: Vec<usize> = (0..5).map(|_| hits(&mut faults, "events.insert")).collect();
        assert_eq!(seen, [0, 1, 1, 0, 0]);
        assert!(faults.list().is_empty());
        faults.add(Fault::status("token", 503, "x").times(0));
        assert_eq!(hits(&mut faults, "events.get"), 0);
        assert_eq!(hits(&mut faults, "token") + hits(&mut faults, "token"), 2);
    }

    #[test]
    fn orders_come_as_json_too() {
        let fault: Fault = serde_json::from_value(serde_json::json!({
            "match": {"method": "events.patch"},
            "when": "after",
            "do": {"kind": "truncate", "keep": 10},
        }))
        .unwrap();
        assert_eq!(
            fault,
            Fault::after("events.patch", Action::Truncate { keep: 10 })
        );
        let edit: Fault = serde_json::from_value(serde_json::json!({
            "do": {"kind": "asUser", "account": "a@b.c", "calendar": "primary",
                   "op": "delete", "id": "abcde"},
        }))
        .unwrap();
        assert!(matches!(edit.action, Action::AsUser(_)));
    }
}
