//! Truncated exponential backoff with jitter.

use std::time::Duration;

/// How failed requests are repeated within a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Backoff {
    /// Five times, within about half a minute.
    fn default() -> Self {
        Self {
            attempts: 5,
            longest: Duration::from_secs(32),
        }
    }
}

impl Backoff {
    /// The pause after the `failures`-th failure (from 1): 2^(n-1) seconds and up to one more,
    /// or what the server asked for; `None` if it is not worth another attempt. `jitter` is from 0
    /// up to 1.
    pub fn pause(&self, failures: u32, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let exponential = Duration::from_secs(1 << failures.saturating_sub(1).min(16));
        let spread = Duration::from_secs_f64(jitter.clamp(0.0, 1.0));
        match asked {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(asked.max(Duration::from_millis(100)) + spread / 4),
            None => Some((exponential + spread).min(self.longest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let backoff = Backoff {
            attempts: 8,
            longest: Duration::from_secs(32),
        };
        let pauses: Vec<u64> = (1..8)
            .map(|n| backoff.pause(n, None, 0.0).unwrap().as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32]);
        assert_eq!(backoff.pause(8, None, 0.0), None);
        assert_eq!(
            backoff.pause(1, None, 0.5),
            Some(Duration::from_millis(1500))
        );
    }

    #[test]
    fn what_the_server_asks_for_counts() {
        let backoff = Backoff::default();
        let asked = |seconds| backoff.pause(1, Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(3600), None);
    }
}
