//! `WWW-Authenticate` as a list of challenges (RFC 9110 section 11.6.1).

/// One way to sign in that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of this scheme, given in lower case.
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme == scheme
    }

    /// A parameter, by its lower-case name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads all challenges of an answer. Several may stand in one header, separated by the same commas
/// as their parameters: a word that no `=` follows begins a new one.
pub(crate) fn challenges<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    for header in headers {
        let mut rest = header;
        while !rest.is_empty() && all.len() < 16 {
            rest = rest.trim_start_matches([',', ' ', '\t']);
            let end = rest.find([',', ' ', '\t', '=']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let after_blanks = after.trim_start_matches([' ', '\t']);
            if let Some(value) = after_blanks.strip_prefix('=') {
                let (value, after) = read_value(value.trim_start());
                if let Some(challenge) = all.last_mut()
                    && challenge.parameters.len() < 16
                {
                    challenge
                        .parameters
                        .push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            } else if word.is_empty() {
                break;
            } else {
                all.push(Challenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest = after;
            }
        }
    }
    all
}

/// A token or a quoted string, and what follows it.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(char),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_challenges_in_one_header_and_in_several() {
        let found = challenges(
            [
                r#"Digest realm="a, b", nonce="x\"y", qop="auth,auth-int", stale=FALSE, Basic realm="c""#,
                "bearer",
                "NEGOTIATE abc==",
            ]
            .into_iter(),
        );
        let schemes: Vec<_> = found.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes[..3], ["digest", "basic", "bearer"]);
        assert_eq!(found[0].get("realm"), Some("a, b"));
        assert_eq!(found[0].get("nonce"), Some("x\"y"));
        assert_eq!(found[0].get("stale"), Some("FALSE"));
        assert_eq!(found[1].get("realm"), Some("c"));
    }

    #[test]
    fn odd_headers_end() {
        for header in [
            "",
            ",,,",
            "=",
            "Basic realm=",
            "Basic realm=\"x",
            "a=b=c",
            "\"",
            "Digest ,",
        ] {
            let _ = challenges([header].into_iter());
        }
        assert!(challenges(["basic"].into_iter())[0].is("basic"));
    }
}
