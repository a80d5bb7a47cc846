//! Quotas by the virtual clock: requests a minute per user and project, write
//! bursts per calendar, creations a day. Everything is off unless configured.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::knobs::OverQuota;
use super::state::Core;

/// The limits. `None` is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct QuotaConfig {
    /// Cost units per account in any 60 seconds.
    pub per_user: Option<u32>,
    /// Cost units of all accounts in any 60 seconds.
    pub per_project: Option<u32>,
    /// What a PATCH costs; everything else costs 1.
    pub patch_cost: u32,
    /// Writes to one calendar in any second.
    pub burst: Option<u32>,
    /// Events and calendars an account may create in 24 hours; deleting does
    /// not give any back.
    pub creations: Option<u32>,
    /// How a request over the limit is refused.
    pub over: OverQuota,
    /// Seconds in a Retry-After header of such refusals.
    pub retry_after: Option<u64>,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self {
            per_user: None,
            per_project: None,
            patch_cost: 3,
            burst: None,
            creations: None,
            over: OverQuota::RateLimitExceeded,
            retry_after: None,
        }
    }
}

impl QuotaConfig {
    /// What Google publishes: 600 a minute per user, 10,000 per project; and a
    /// write burst of 10 a second per calendar.
    pub fn google() -> Self {
        Self {
            per_user: Some(600),
            per_project: Some(10_000),
            burst: Some(10),
            ..Self::default()
        }
    }
}

/// The windows.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    pub(super) config: QuotaConfig,
    users: BTreeMap<String, VecDeque<(i64, u32)>>,
    project: VecDeque<(i64, u32)>,
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 3_600_000;

impl Quota {
    pub(super) const fn new(config: QuotaConfig) -> Self {
        Self {
            config,
            users: BTreeMap::new(),
            project: VecDeque::new(),
        }
    }

    /// Charges `cost` units to `account` at `now`, or refuses.
    pub(super) fn charge(&mut self, account: &str, cost: u32, now: i64) -> Result<(), ApiError> {
        let spent = |window: &mut VecDeque<(i64, u32)>| {
            while window.front().is_some_and(|(at, _)| now - at >= MINUTE_MS) {
                window.pop_front();
            }
            window.iter().map(|(_, cost)| cost).sum::<u32>()
        };
        let user = self.users.entry(account.to_owned()).or_default();
        let over = |used: u32, limit: Option<u32>| limit.is_some_and(|limit| used + cost > limit);
        if over(spent(user), self.config.per_user)
            || over(spent(&mut self.project), self.config.per_project)
        {
            return Err(self.refusal());
        }
        user.push_back((now, cost));
        self.project.push_back((now, cost));
        Ok(())
    }

    fn refusal(&self) -> ApiError {
        let (status, reason, message) = match self.config.over {
            OverQuota::RateLimitExceeded => (403, "rateLimitExceeded", "Rate Limit Exceeded"),
            OverQuota::UserRateLimitExceeded => {
                (403, "userRateLimitExceeded", "User Rate Limit Exceeded")
            }
            OverQuota::TooManyRequests => (429, "rateLimitExceeded", "Rate Limit Exceeded"),
        };
        let mut error = ApiError::new(status, reason, message).domain("usageLimits");
        error.retry_after = self.config.retry_after;
        error
    }
}

impl Core {
    /// The write burst limit of one calendar.
    pub(super) fn use_burst(&mut self, calendar: &str) -> Result<(), ApiError> {
        let Some(limit) = self.quota.config.burst else {
            return Ok(());
        };
        let now = self.clock.now();
        let Some(calendar) = self.calendars.get_mut(calendar) else {
            return Ok(());
        };
        calendar.writes.retain(|at| now - at < 1000);
        if calendar.writes.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(self.quota.refusal());
        }
        calendar.writes.push_back(now);
        Ok(())
    }

    /// The daily limit of creations of one account.
    pub(super) fn use_creation(&mut self, account: &str) -> Result<(), ApiError> {
        let now = self.clock.now();
        let limit = self.quota.config.creations;
        let Some(account) = self.accounts.get_mut(account) else {
            return Ok(());
        };
        account.creations.retain(|at| now - at < DAY_MS);
        let made = account.creations.len();
        if limit.is_some_and(|limit| made >= usize::try_from(limit).unwrap_or(usize::MAX)) {
            return Err(
                ApiError::new(403, "quotaExceeded", "Calendar usage limits exceeded.")
                    .domain("usageLimits"),
            );
        }
        account.creations.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut quota = Quota::new(QuotaConfig {
            per_user: Some(4),
            retry_after: Some(7),
            ..QuotaConfig::default()
        });
        assert!(quota.charge("a", 3, 0).is_ok());
        let refused = quota.charge("a", 3, 30_000).unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (403, Some(7)));
        assert!(quota.charge("a", 1, 30_000).is_ok());
        assert!(quota.charge("b", 3, 30_000).is_ok());
        // The first three units leave the window after a minute; the one stays.
        assert!(quota.charge("a", 3, 59_999).is_err());
        assert!(quota.charge("a", 3, 60_000).is_ok());
        assert!(quota.charge("a", 1, 60_000).is_err());
    }
}
