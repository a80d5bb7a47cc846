//! The knobs: what Google is not known to do one way only. Each setting is
//! legal Google behaviour as far as is known, so a client must live with all.
//! Read by every part of the core, changed by `/_sim/knobs`.

use serde::{Deserialize, Serialize};

/// What becomes of exceptions whose original start the rule no longer produces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ExceptionPolicy {
    /// They stay, listed and gettable.
    Keep,
    /// They become cancelled.
    Drop,
    /// When only the time of day of the series moved, they move along under a
    /// new id; otherwise as `Keep`.
    Shift,
}

/// What deleting a master writes into the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CascadeTombstones {
    /// Only the master shows up in the next delta.
    MasterOnly,
    /// Every exception shows up too.
    All,
}

/// How a sync token that is not one of ours is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MalformedToken {
    /// 410 `fullSyncRequired`.
    Gone,
    /// 400 "Invalid sync token value.".
    BadRequest,
}

/// Whether deltas that follow a windowed first list are limited to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WindowedDelta {
    /// Only events in the window, and deletions.
    Filtered,
    /// Everything that changed.
    Unfiltered,
}

/// How a request over the quota is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OverQuota {
    /// 403 `rateLimitExceeded`.
    RateLimitExceeded,
    /// 403 `userRateLimitExceeded`.
    UserRateLimitExceeded,
    /// 429 `rateLimitExceeded`.
    TooManyRequests,
}

/// All knobs. The JSON of `/_sim/knobs` has the same names in camelCase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Knobs {
    /// Unknown query parameters and body fields, changed read-only fields and
    /// everything else Google is vague about are 400. Default true.
    pub strict: bool,
    /// A write that changes nothing still moves `updated`. Default false.
    pub noop_moves_etag: bool,
    /// A write to a master also touches its exceptions. Default false.
    pub touch_exceptions: bool,
    /// See [`ExceptionPolicy`]. Default keep.
    pub exception_policy: ExceptionPolicy,
    /// See [`CascadeTombstones`]. Default masterOnly.
    pub cascade_tombstones: CascadeTombstones,
    /// Reviving a series brings back the exceptions its deletion cancelled.
    pub revive_restores_exceptions: bool,
    /// Reviving a deleted event is 403 `forbidden`. Default false.
    pub revive_forbidden: bool,
    /// Deleted events answer with kind, etag, id and status only. Default true.
    pub bare_tombstones: bool,
    /// EXRULE lines are accepted. Default false.
    pub allow_exrule: bool,
    /// EXDATE/RDATE of another value type than the start are accepted and
    /// without effect, as Google really does. Default false: 400.
    pub lax_exdate: bool,
    /// A PUT without `sequence` counts as 0. Default false: it keeps it.
    pub put_sequence_zero: bool,
    /// Changed read-only fields are ignored instead of refused. Default false.
    pub ignore_immutable: bool,
    /// `maxResults` over the maximum is 400 instead of clamped. Default false.
    pub max_results_refused: bool,
    /// Inserting an iCalUID that the calendar already has is 409. Default true.
    pub duplicate_ical_uid_refused: bool,
    /// RRULEs come back in Google's own part order, with WKST. Default false.
    pub rewrite_rrule: bool,
    /// `move` answers with `status: cancelled`, as was seen. Default true.
    pub move_answers_cancelled: bool,
    /// Mail that would have gone out is a violation and 400. Default false.
    pub fail_on_mail: bool,
    /// A write to an existing event without If-Match is 428. Default false.
    pub require_if_match: bool,
    /// focusTime, outOfOffice and workingLocation may be made. Default false.
    pub workspace: bool,
    /// Events made while a list is being paged also appear in its later pages.
    pub paging_shows_new: bool,
    /// Seconds a sync token lives. Default 28 days.
    pub token_ttl: i64,
    /// See [`MalformedToken`]. Default gone.
    pub malformed_token: MalformedToken,
    /// See [`WindowedDelta`]. Default unfiltered.
    pub windowed_delta: WindowedDelta,
    /// How many years endless series are expanded. Default 3.
    pub horizon_years: i16,
    /// For how many requests a new event stays invisible. Default 0.
    pub invisible_for: u64,
    /// A refresh answers with a new refresh token. Default false.
    pub rotate_refresh_tokens: bool,
    /// Largest page of `events.list`; small values force paging. Default 2500.
    pub page_cap: usize,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            strict: true,
            noop_moves_etag: false,
            touch_exceptions: false,
            exception_policy: ExceptionPolicy::Keep,
            cascade_tombstones: CascadeTombstones::MasterOnly,
            revive_restores_exceptions: false,
            revive_forbidden: false,
            bare_tombstones: true,
            allow_exrule: false,
            lax_exdate: false,
            put_sequence_zero: false,
            ignore_immutable: false,
            max_results_refused: false,
            duplicate_ical_uid_refused: true,
            rewrite_rrule: false,
            move_answers_cancelled: true,
            fail_on_mail: false,
            require_if_match: false,
            workspace: false,
            paging_shows_new: false,
            token_ttl: 28 * 24 * 3600,
            malformed_token: MalformedToken::Gone,
            windowed_delta: WindowedDelta::Unfiltered,
            horizon_years: 3,
            invisible_for: 0,
            rotate_refresh_tokens: false,
            page_cap: 2500,
        }
    }
}
