//! Pauses: how long between two attempts, and how long a whole account holds its breath after a
//! server asked for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use outbound::Response;
use sync_engine::model::time::Timestamp;
use tokio::time::Instant;

use crate::error::Error;

/// Longest `Retry-After` that is believed.
const LONGEST: Duration = Duration::from_hours(24);

/// How hard a server is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pacing {
    /// How many times one request is sent at most.
    pub attempts: u32,
    /// The pause after the first failure; it doubles from there, with jitter.
    pub first: Duration,
    /// The longest such pause.
    pub longest: Duration,
    /// The longest pause a server may ask for inside a run; a longer one ends the run.
    pub patience: Duration,
    /// Requests under way at once.
    pub concurrency: usize,
}

impl Default for Pacing {
    /// Four attempts within some seconds, half a minute of patience, four requests at once.
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(8),
            patience: Duration::from_secs(30),
            concurrency: 4,
        }
    }
}

impl Pacing {
    /// The pause after `attempt` failures (from 1): between half and all of the doubled first one.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doubled = 1_u32 << attempt.saturating_sub(1).min(16);
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        // Without randomness there is no jitter, and no harm.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        whole.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

/// How long the server wants to be left alone.
pub(super) fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.header(&RETRY_AFTER)?.trim();
    let wanted = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = http_date(text)?;
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    };
    Some(wanted.min(LONGEST))
}

/// An HTTP date (RFC 9110 section 5.6.7), in its current form.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

/// Closed while a server wants to be left alone: for all requests of the account.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Closes the gate for so long from now, or longer if it is closed already.
    pub(super) fn close(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |before| before.max(until)));
    }

    /// Waits until the gate is open; an error if that takes more than patience.
    pub(super) async fn pass(&self, pacing: &Pacing, host: &str) -> Result<(), Error> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = until else {
            return Ok(());
        };
        let left = until.saturating_duration_since(Instant::now());
        if left > pacing.patience {
            return Err(Error::Busy {
                host: host.to_owned(),
                status: 503,
                not_before: Timestamp::now().checked_add(left).ok(),
            });
        }
        tokio::time::sleep(left).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::{Reach, StatusCode, Url};

    #[test]
    fn pauses_double_with_jitter_and_end() {
        let pacing = Pacing::default();
        for (attempt, whole) in [(1, 500), (2, 1000), (3, 2000), (9, 8000), (40, 8000)] {
            let pause = pacing.pause(attempt).as_millis();
            assert!((whole / 2..=whole).contains(&pause), "{attempt}: {pause}");
        }
    }

    #[test]
    fn retry_after_comes_in_two_forms() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let wanted = |text: &str| {
            let mut response = Response {
                status: StatusCode::SERVICE_UNAVAILABLE,
                headers: http::HeaderMap::new(),
                body: Vec::new(),
                url: Url::parse("https://x.example/").unwrap(),
                reach: Reach::Public,
            };
            response.headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&response, now).map(|wanted| wanted.as_secs())
        };
        assert_eq!(wanted("120"), Some(120));
        assert_eq!(wanted("Sun, 22 Nov 2026 10:02:00 GMT"), Some(120));
        assert_eq!(wanted("Sun, 22 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(wanted("99999999999"), Some(86_400));
        assert_eq!(wanted("soon"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_opens_in_time_or_refuses() {
        let gate = Gate::default();
        let pacing = Pacing::default();
        gate.close(Duration::from_secs(10));
        let before = Instant::now();
        gate.pass(&pacing, "x").await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 10);
        gate.close(Duration::from_mins(10));
        assert!(matches!(
            gate.pass(&pacing, "x").await,
            Err(Error::Busy {
                not_before: Some(_),
                ..
            })
        ));
    }
}
