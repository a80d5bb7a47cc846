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

/// The rules, each with the number of requests it has matched.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<(Rule, u32)>);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push((rule, 0));
    }

    /// Counts the request against every rule; the first that strikes says what happens.
    pub(super) fn strike(&mut self, method: &str, path: &str, body: &str) -> Option<Trouble> {
        let mut struck = None;
        for (rule, seen) in &mut self.0 {
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
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
