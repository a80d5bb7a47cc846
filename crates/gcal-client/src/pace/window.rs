//! A sliding window of 60 seconds: how many units went out in it.

use std::collections::VecDeque;
use std::time::Duration;

use sync_engine::model::time::Timestamp;

use crate::time::{later, until};

const LENGTH: Duration = Duration::from_mins(1);

/// The window of one account.
#[derive(Debug)]
pub(super) struct Window {
    limit: Option<u32>,
    sent: VecDeque<(Timestamp, u32)>,
}

impl Window {
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self {
            limit,
            sent: VecDeque::new(),
        }
    }

    /// Takes `cost` units now, or says how long to wait before asking again.
    pub(super) fn take(&mut self, now: Timestamp, cost: u32) -> Option<Duration> {
        let limit = self.limit?;
        while let Some((at, _)) = self.sent.front()
            && later(*at, LENGTH) <= now
        {
            self.sent.pop_front();
        }
        let mut used: u32 = self.sent.iter().map(|(_, cost)| cost).sum();
        // A request dearer than the whole window goes out alone.
        if used.saturating_add(cost) <= limit || self.sent.is_empty() {
            self.sent.push_back((now, cost));
            return None;
        }
        for (at, freed) in &self.sent {
            used -= freed;
            if used.saturating_add(cost) <= limit || used == 0 {
                let wait = until(now, later(*at, LENGTH));
                return Some(wait.max(Duration::from_millis(1)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_holds_more_than_the_limit() {
        let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut window = Window::new(Some(10));
        let mut now = start;
        let mut sent: Vec<(Timestamp, u32)> = Vec::new();
        for step in 0..200_u32 {
            let cost = if step % 3 == 0 { 3 } else { 1 };
            while let Some(wait) = window.take(now, cost) {
                now = later(now, wait);
            }
            sent.push((now, cost));
            now = later(now, Duration::from_millis(u64::from(step % 7) * 100));
        }
        for (at, _) in &sent {
            let in_minute: u32 = sent
                .iter()
                .filter(|(other, _)| other >= at && *other < later(*at, LENGTH))
                .map(|(_, cost)| cost)
                .sum();
            assert!(
                in_minute <= 10,
                "{in_minute} units in the minute after {at}"
            );
        }
    }
}
