//! What an answer means and when to try again. Pure.

use jiff::SignedDuration;
use sync_engine::model::time::Timestamp;

/// Pauses before the next attempt in seconds, by attempts so far; after the last the message is given
/// up. About three days in all.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Longest `Retry-After` that is believed.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// How long a webhook that is overloaded is left alone if it does not say.
const QUIET: SignedDuration = SignedDuration::from_mins(1);

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    Failed {
        /// Why, for people.
        why: String,
        /// The webhook wants to be left alone until then.
        quiet_until: Option<Timestamp>,
        /// It is gone for good.
        gone: bool,
    },
}

impl Outcome {
    /// No answer came.
    pub(super) fn unanswered(why: String) -> Self {
        Self::Failed {
            why,
            quiet_until: None,
            gone: false,
        }
    }

    /// Judges an answer: only 2xx is success.
    pub(super) fn of(status: u16, retry_after: Option<&str>, now: Timestamp) -> Self {
        let hint = match status {
            200..=299 => return Self::Delivered,
            300..=399 => " Redirects are not followed: enter the address it leads to.",
            410 => " It says that it is gone for good.",
            _ => "",
        };
        let asked = retry_after.and_then(|text| wanted(text, now));
        let quiet = match status {
            429 | 502 | 504 => Some(asked.unwrap_or(QUIET)),
            _ => asked,
        };
        Self::Failed {
            why: format!("It answered {status}.{hint}"),
            quiet_until: quiet.and_then(|quiet| now.checked_add(quiet).ok()),
            gone: status == 410,
        }
    }
}

/// What `Retry-After` asks for: seconds, or an HTTP date.
fn wanted(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    let wanted = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?
            .duration_since(now),
    };
    Some(wanted.clamp(SignedDuration::ZERO, LONGEST))
}

/// When a message is tried again after so many failed attempts (from 1); `None`: never. `chance`, any
/// number, moves it by up to a tenth, so that what failed together does not come back together.
pub(super) fn next_attempt(attempts: u32, now: Timestamp, chance: u32) -> Option<Timestamp> {
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let pause = PAUSES.get(at)? * 1_000;
    let jitter = pause / 5 * i64::from(chance) / i64::from(u32::MAX) - pause / 10;
    now.checked_add(SignedDuration::from_millis(pause + jitter))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn quiet(status: u16, retry_after: Option<&str>) -> Option<i64> {
        match Outcome::of(status, retry_after, now()) {
            Outcome::Delivered => panic!("{status} is no success"),
            Outcome::Failed { quiet_until, .. } => {
                quiet_until.map(|until| until.duration_since(now()).as_secs())
            }
        }
    }

    #[test]
    fn s17_only_2xx_is_success() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(Outcome::of(status, None, now()), Outcome::Delivered);
        }
        for status in [
            199, 300, 301, 302, 304, 307, 308, 400, 404, 410, 422, 500, 503,
        ] {
            let outcome = Outcome::of(status, None, now());
            let Outcome::Failed { why, gone, .. } = outcome else {
                panic!("{status} is no success");
            };
            assert!(why.contains(&status.to_string()), "{why}");
            assert_eq!(gone, status == 410);
            assert_eq!(why.contains("Redirects"), (300..400).contains(&status));
        }
    }

    #[test]
    fn s17_who_is_overloaded_is_left_alone() {
        for status in [429, 502, 504] {
            assert_eq!(quiet(status, None), Some(60));
            assert_eq!(quiet(status, Some("7")), Some(7));
        }
        assert_eq!(quiet(503, None), None);
        for (said, meant) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999", Some(86_400)),
            ("Sun, 22 Nov 2026 12:02:00 GMT", Some(120)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(quiet(503, Some(said)), meant, "{said}");
        }
    }

    #[test]
    fn s17_pauses_grow_with_jitter_and_end() {
        let after = |attempts, chance| {
            next_attempt(attempts, now(), chance).map(|next| next.duration_since(now()).as_millis())
        };
        let mut before = 0;
        for (attempts, pause) in (1..).zip(PAUSES.map(|pause| i128::from(pause) * 1_000)) {
            let (least, most) = (after(attempts, 0), after(attempts, u32::MAX));
            assert_eq!(least, Some(pause * 9 / 10));
            assert_eq!(most, Some(pause * 11 / 10));
            assert!(least > Some(before), "attempt {attempts}");
            before = pause;
        }
        assert_eq!(after(10, 0), None, "the tenth was the last");
    }
}
