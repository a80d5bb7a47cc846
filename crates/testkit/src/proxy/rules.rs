//! Which request meets which trouble.

/// One rule: what it matches, and the trouble it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    method: Option<String>,
    path: Option<String>,
    body: Option<String>,
    nth: u32,
    times: u32,
    trouble: Trouble,
}

impl Rule {
    /// A rule for the first request of `method`, or of any method with `*`.
    #[must_use]
    pub fn on(method: &str, trouble: Trouble) -> Self {
        Self {
            method: (method != "*").then(|| method.to_owned()),
            path: None,
            body: None,
            nth: 1,
            times: 1,
            trouble,
        }
    }

    /// Only for paths (with query, as sent) that contain this.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only for request bodies that contain this, in their first 64 KiB.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        self.body = Some(part.to_owned());
        self
    }

    /// Strikes from the `nth` matching request on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// Strikes this many matching requests in a row; 0 is for ever.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server does not see the request; this is the answer.
    Refuse {
        /// The status.
        status: u16,
        /// The `Retry-After` header, verbatim.
        retry_after: Option<String>,
    },
    /// The request takes effect, its answer is replaced by this.
    Replace {
        /// The status.
        status: u16,
        /// The `Retry-After` header, verbatim.
        retry_after: Option<String>,
    },
    /// The server does not see the request; the connection closes.
    Reset,
    /// The request takes effect; the connection closes without its answer.
    DropAnswer,
    /// The answer's header promises the whole body, the connection closes after this many bytes.
    CutBody {
        /// Bytes sent.
        bytes: usize,
    },
    /// The request is forwarded this many milliseconds late.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
}

impl Trouble {
    /// [`Trouble::Refuse`] with a plain status.
    #[must_use]
    pub const fn refuse(status: u16) -> Self {
        Self::Refuse {
            status,
            retry_after: None,
        }
    }

    /// 429 with `Retry-After` in seconds; the server does not see the request.
    #[must_use]
    pub fn too_many(retry_after: u32) -> Self {
        Self::Refuse {
            status: 429,
            retry_after: Some(retry_after.to_string()),
        }
    }

    pub(super) const fn lets_through(&self) -> bool {
        !matches!(self, Self::Refuse { .. } | Self::Reset)
    }
}

/// Trouble by chance: the same seed and requests give the same troubles. Which request meets which
/// trouble depends on the request's method and its number among all, so requests in parallel may
/// swap theirs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    seed: u64,
    /// Of a thousand requests, so many.
    per_mille: u32,
    asked: u64,
}

impl Chance {
    pub(super) const fn new(seed: u64, per_mille: u32) -> Self {
        Self {
            seed,
            per_mille,
            asked: 0,
        }
    }

    fn strike(&mut self, method: &str) -> Option<Trouble> {
        self.asked += 1;
        let mut state = self.seed ^ self.asked.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for byte in method.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        // The finalizer of SplitMix64: every bit of the state counts.
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 31;
        if state % 1000 >= u64::from(self.per_mille) {
            return None;
        }
        Some(match (state / 1000) % 8 {
            // Lost on its way.
            0 | 1 => Trouble::Reset,
            // Its answer lost.
            2 | 3 => Trouble::DropAnswer,
            4 => Trouble::refuse(503),
            5 => Trouble::Replace {
                status: 502,
                retry_after: None,
            },
            6 => Trouble::CutBody { bytes: 40 },
            _ => Trouble::Delay { millis: 30 },
        })
    }
}

/// The rules, each with the number of requests it has matched, and trouble by chance.
#[derive(Debug, Default)]
pub(super) struct Rules {
    each: Vec<(Rule, u32)>,
    chance: Option<Chance>,
}

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.each.push((rule, 0));
    }

    pub(super) fn chance(&mut self, chance: Chance) {
        self.chance = Some(chance);
    }

    /// Counts the request against every rule; the first that strikes says what happens, else chance.
    pub(super) fn strike(&mut self, method: &str, path: &str, body: &str) -> Option<Trouble> {
        let mut struck = None;
        for (rule, seen) in &mut self.each {
            let matches = rule.method.as_deref().is_none_or(|m| m == method)
                && rule.path.as_deref().is_none_or(|p| path.contains(p))
                && rule.body.as_deref().is_none_or(|b| body.contains(b));
            if !matches {
                continue;
            }
            *seen += 1;
            let open = rule.times == 0 || *seen < rule.nth.saturating_add(rule.times);
            if *seen >= rule.nth && open && struck.is_none() {
                struck = Some(rule.trouble.clone());
            }
        }
        struck.or_else(|| self.chance.as_mut()?.strike(method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_for_the_same_seed_and_about_as_frequent_as_asked() {
        let troubles = |seed, per_mille| {
            let mut rules = Rules::default();
            rules.chance(Chance::new(seed, per_mille));
            let methods = ["PUT", "DELETE", "REPORT", "PROPFIND"].iter().cycle();
            let struck = methods
                .take(2000)
                .map(|method| rules.strike(method, "/", ""));
            struck.collect::<Vec<_>>()
        };
        let some = troubles(7, 100);
        assert_eq!(some, troubles(7, 100));
        assert_ne!(some, troubles(8, 100));
        let count = some.iter().flatten().count();
        assert!((140..260).contains(&count), "{count}");
        let kinds = [
            Trouble::Reset,
            Trouble::DropAnswer,
            Trouble::refuse(503),
            Trouble::CutBody { bytes: 40 },
            Trouble::Delay { millis: 30 },
        ];
        assert!(
            kinds
                .iter()
                .all(|kind| some.iter().flatten().any(|each| each == kind))
        );
        assert!(troubles(7, 0).iter().all(Option::is_none));
        assert!(troubles(7, 1000).iter().all(Option::is_some));
    }

    #[test]
    fn rules_count_only_what_they_match() {
        let mut rules = Rules::default();
        rules.add(Rule::on("PUT", Trouble::Reset).path("/a/").nth(2));
        let struck: Vec<bool> = ["/a/1", "/b/1", "/a/2", "/a/3"]
            .iter()
            .map(|path| rules.strike("PUT", path, "").is_some())
            .collect();
        assert_eq!(struck, [false, false, true, false]);
    }
}
