//! `/_sim/**`: the simulator's own controls over HTTP, for tests in other
//! processes. JSON in, JSON out; 400 with `{"error": …}` for what it cannot read.
//!
//! | control | verbs | body |
//! |---|---|---|
//! | `clock` | GET, POST | `{set: instant}` or `{advance: ms}` |
//! | `knobs` | GET, POST | fields of [`super::Knobs`]; absent ones stay |
//! | `quota` | GET, POST | a whole [`super::QuotaConfig`] |
//! | `faults` | GET, POST, DELETE | one [`Fault`] or a list |
//! | `log`, `mail` | GET, DELETE | |
//! | `counts`, `violations` | GET | |
//! | `dump` | GET | `?calendar=id` |
//! | `consent` | POST, DELETE | a [`Consent`] |
//! | `token` | POST | `{account, scopes}` |
//! | `revoke` | POST | `{account}` |
//! | `expire-access`, `expire-tokens` | POST | access tokens; sync tokens |
//! | `role` | POST | `{account, calendar, role}` |
//! | `as-user` | POST | a [`PersonEdit`] |
//! | `purge` | POST | `{olderThan: seconds}` |
//! | `snapshot`, `restore` | POST | `{name}` |
//! | `reset` | POST | |

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::clock::rfc3339_millis;
use super::error::ApiError;
use super::faults::{Fault, PersonEdit};
use super::log::Counts;
use super::machine::Machine;
use super::merge;
use super::oauth::Consent;
use super::state::Role;
use super::wire::{Request, Response};

/// Why a control request failed.
struct Refusal(String);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Answers one control request.
pub(super) fn handle(machine: &mut Machine, request: &Request) -> Response {
    match control(machine, request) {
        Ok(value) => Response::json(200, &value),
        Err(Refusal(text)) => Response::json(400, &json!({"error": text})),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockOrder {
    /// An RFC 3339 instant.
    set: Option<String>,
    /// Milliseconds.
    advance: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleOrder {
    account: String,
    calendar: String,
    role: Role,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenOrder {
    account: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountOrder {
    account: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NameOrder {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PurgeOrder {
    /// Seconds.
    older_than: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Box<Fault>),
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    Ok(serde_json::from_slice(&request.body)?)
}

fn control(machine: &mut Machine, request: &Request) -> Result<Value, Refusal> {
    let done = Ok(json!({"ok": true}));
    let core = &mut machine.core;
    let name = request.path.strip_prefix("/_sim/").unwrap_or_default();
    match (request.method.as_str(), name) {
        ("GET", "clock") => Ok(json!({"now": rfc3339_millis(core.clock.now())})),
        ("POST", "clock") => {
            let order: ClockOrder = body(request)?;
            if let Some(set) = order.set {
                let at: Timestamp = set.parse().map_err(|_| Refusal("bad instant".into()))?;
                core.clock.set(at.as_millisecond());
            }
            core.clock.advance(order.advance.unwrap_or(0));
            Ok(json!({"now": rfc3339_millis(core.clock.now())}))
        }
        ("GET", "knobs") => Ok(serde_json::to_value(&core.knobs)?),
        ("POST", "knobs") => {
            let mut all = as_map(serde_json::to_value(&core.knobs)?);
            merge::patch(&mut all, &body(request)?);
            core.knobs = serde_json::from_value(Value::Object(all))?;
            Ok(serde_json::to_value(&core.knobs)?)
        }
        ("GET", "quota") => Ok(serde_json::to_value(&core.quota.config)?),
        ("POST", "quota") => {
            core.quota.config = body(request)?;
            done
        }
        ("GET", "faults") => Ok(serde_json::to_value(core.faults.list())?),
        ("POST", "faults") => {
            match body(request)? {
                OneOrMany::One(fault) => core.faults.add(*fault),
                OneOrMany::Many(faults) => faults.into_iter().for_each(|f| core.faults.add(f)),
            }
            done
        }
        ("DELETE", "faults") => {
            core.faults.clear();
            done
        }
        ("GET", "log") => Ok(serde_json::to_value(&core.log)?),
        ("DELETE", "log") => {
            core.log.clear();
            done
        }
        ("GET", "counts") => Ok(serde_json::to_value(Counts::of(&core.log))?),
        ("GET", "mail") => Ok(serde_json::to_value(&core.mail)?),
        ("DELETE", "mail") => {
            core.mail.clear();
            done
        }
        ("GET", "violations") => Ok(json!(core.violations)),
        ("GET", "dump") => {
            let calendar = request.param("calendar").unwrap_or_default();
            Ok(Value::Array(core.dump(calendar)?))
        }
        ("POST", "consent") => {
            core.set_consent(Some(body::<Consent>(request)?));
            done
        }
        ("DELETE", "consent") => {
            core.set_consent(None);
            done
        }
        ("POST", "token") => {
            let order: TokenOrder = body(request)?;
            let tokens = core
                .sign_in(&order.account, &order.scopes)
                .ok_or_else(|| Refusal("no such account".into()))?;
            Ok(serde_json::to_value(tokens)?)
        }
        ("POST", "revoke") => {
            core.revoke_account(&body::<AccountOrder>(request)?.account);
            done
        }
        ("POST", "expire-access") => {
            core.expire_access();
            done
        }
        ("POST", "expire-tokens") => {
            core.token_expiries += 1;
            done
        }
        ("POST", "role") => {
            let order: RoleOrder = body(request)?;
            core.set_role(&order.account, &order.calendar, order.role)?;
            done
        }
        ("POST", "as-user") => {
            let edit: PersonEdit = body(request)?;
            Ok(core.as_user(&edit)?.unwrap_or_else(|| json!({"ok": true})))
        }
        ("POST", "purge") => {
            let order: PurgeOrder = body(request)?;
            core.purge(order.older_than.saturating_mul(1000));
            done
        }
        ("POST", "snapshot") => {
            machine.snapshot(&body::<NameOrder>(request)?.name);
            done
        }
        ("POST", "restore") => {
            if machine.restore(&body::<NameOrder>(request)?.name) {
                done
            } else {
                Err(Refusal("no such snapshot".into()))
            }
        }
        ("POST", "reset") => {
            machine.reset();
            done
        }
        _ => Err(Refusal(format!("no control {} {name}", request.method))),
    }
}

fn as_map(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}
