//! Sync tokens of `events.list`: what they stand for, and how they die.

use super::Query;
use crate::google::call::Call;
use crate::google::error::ApiError;
use crate::google::knobs::MalformedToken;
use crate::google::state::Core;
use crate::google::token::{self, SyncToken};

/// Parameters that a request with a sync token may not have.
const NOT_WITH_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
];
/// What must be the same in every request of a sync.
fn sync_query(call: &Call<'_>) -> String {
    let mut without = vec!["pageToken", "syncToken"];
    without.extend(NOT_WITH_TOKEN);
    if call.params.flag("showDeleted") == Some(false) {
        without.push("showDeleted");
    }
    token::digest(&call.params.canonical(&without))
}

/// Holds a sync token against what it was issued for.
pub(super) fn open(core: &Core, call: &Call<'_>, text: &str) -> Result<SyncToken, ApiError> {
    let clash = NOT_WITH_TOKEN
        .iter()
        .find(|name| call.params.text(name).is_some());
    if let Some(name) = clash {
        return Err(
            ApiError::bad_request(format!("Sync token cannot be used with {name}."))
                .at("parameter", *name),
        );
    }
    if call.params.flag("showDeleted") == Some(false) {
        return Err(
            ApiError::bad_request("Sync token cannot be used with showDeleted=false.")
                .at("parameter", "showDeleted"),
        );
    }
    let token = core.open_sync(text, "events")?;
    let gone = ApiError::full_sync_required;
    let calendar = core.calendar(&call.calendar)?;
    let epoch = core
        .accounts
        .get(call.account)
        .and_then(|account| account.access.get(&call.calendar))
        .map_or(0, |access| access.epoch);
    let of = format!("{}/{}", call.account, call.calendar);
    if token.of != of
        || token.generation != calendar.generation
        || token.epoch != epoch
        || token.seq < calendar.purged_to
    {
        return Err(gone());
    }
    if token.query != sync_query(call) && core.knobs.strict {
        return Err(ApiError::bad_request(
            "The query is not that of the initial synchronization.",
        ));
    }
    Ok(token)
}

impl Core {
    /// Opens a sync token of a collection and checks its age.
    pub(in crate::google) fn open_sync(
        &self,
        text: &str,
        kind: &str,
    ) -> Result<SyncToken, ApiError> {
        let Some(token) = token::open::<SyncToken>(&self.key, text) else {
            return Err(match self.knobs.malformed_token {
                MalformedToken::Gone => ApiError::full_sync_required(),
                MalformedToken::BadRequest => {
                    ApiError::invalid("Invalid sync token value.").at("parameter", "syncToken")
                }
            });
        };
        let age = self.clock.now() - token.issued;
        let fresh = age <= self.knobs.token_ttl.saturating_mul(1000);
        if token.kind == kind && fresh && token.expiry == self.token_expiries {
            Ok(token)
        } else {
            Err(ApiError::full_sync_required())
        }
    }
}

/// The sync token of the last page; `None` for queries that cannot be synced.
pub(super) fn next(core: &Core, call: &Call<'_>, query: &Query, seq: u64) -> Option<String> {
    let unsyncable = ["iCalUID", "orderBy", "privateExtendedProperty", "q"]
        .iter()
        .chain(&["sharedExtendedProperty", "updatedMin"])
        .any(|name| call.params.text(name).is_some());
    if unsyncable {
        return None;
    }
    let window = |name: &str| call.params.text(name).map(str::to_owned);
    let calendar = core.calendars.get(&call.calendar)?;
    let epoch = core
        .accounts
        .get(call.account)?
        .access
        .get(&call.calendar)?
        .epoch;
    let token = SyncToken {
        kind: "events".to_owned(),
        of: format!("{}/{}", call.account, call.calendar),
        generation: calendar.generation,
        epoch,
        query: sync_query(call),
        seq,
        issued: core.clock.now(),
        window: query.token.as_ref().map_or_else(
            || (window("timeMin"), window("timeMax")),
            |t| t.window.clone(),
        ),
        expiry: core.token_expiries,
    };
    Some(token::seal(&core.key, &token))
}
