//! Parameters of a line (RFC 5545 section 3.2), with the escapes of RFC 6868.

use std::borrow::Cow;

/// One parameter with all its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name as written, lossily as text.
    pub name: String,
    /// The octets between the semicolons, name included, as written.
    pub raw: Vec<u8>,
    /// Its values; none where there is no `=`.
    pub values: Vec<ParamValue>,
}

impl Param {
    /// Whether its name is `name`, ASCII case ignored.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it means the same whatever value follows: an unclosed quote would take a part of
    /// that for its own.
    pub(crate) fn is_closed(&self) -> bool {
        let content = [b";", self.raw.as_slice(), b":\":\":"].concat();
        header_end(&content, 0, true) == Some(self.raw.len() + 1)
    }
}

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamValue {
    /// The octets as written, without the quotes.
    pub octets: Vec<u8>,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

impl ParamValue {
    /// The value as text, escapes undone. Octets that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        unescape(&String::from_utf8_lossy(&self.octets)).into_owned()
    }
}

/// Where the header ends: the colon after the parameters that begin at `start` (a semicolon).
/// With `whole` unset, an open quote may be closed further on, and the answer is then `None`.
pub(super) fn header_end(content: &[u8], start: usize, whole: bool) -> Option<usize> {
    let mut quoted = false;
    let mut before = 0;
    let mut opened = start;
    let rest = content.get(start..)?;
    for (at, octet) in rest.iter().enumerate() {
        match octet {
            b'"' if quoted => quoted = false,
            b'"' if matches!(before, b'=' | b',') => {
                quoted = true;
                opened = start + at;
            }
            b':' if !quoted => return Some(start + at),
            _ => {}
        }
        before = *octet;
    }
    if !quoted || !whole {
        return None;
    }
    // The quote is never closed: from there on nothing is quoted.
    content
        .get(opened..)?
        .iter()
        .position(|octet| *octet == b':')
        .map(|at| opened + at)
}

/// The parameters in `header`, which begins with a semicolon (or is empty).
pub(super) fn parameters(header: &[u8]) -> Vec<Param> {
    let mut parameters = Vec::new();
    let Some(mut rest) = header.strip_prefix(b";") else {
        return parameters;
    };
    loop {
        let end = ends_at(rest, b';');
        let (one, after) = rest.split_at(end);
        parameters.push(parameter(one));
        match after.strip_prefix(b";") {
            Some(next) => rest = next,
            None => return parameters,
        }
    }
}

fn parameter(octets: &[u8]) -> Param {
    let equals = octets.iter().position(|octet| *octet == b'=');
    let name = octets.get(..equals.unwrap_or(octets.len()));
    let mut values = Vec::new();
    if let Some(equals) = equals {
        let mut rest = octets.get(equals + 1..).unwrap_or_default();
        loop {
            // A quote may open at the start of each value, which is what `=` before it says.
            let end = value_ends_at(rest);
            let (one, after) = rest.split_at(end);
            values.push(value(one));
            match after.strip_prefix(b",") {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    Param {
        name: String::from_utf8_lossy(name.unwrap_or_default().trim_ascii()).into_owned(),
        raw: octets.to_vec(),
        values,
    }
}

fn value(octets: &[u8]) -> ParamValue {
    let inner = octets
        .strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""));
    match inner {
        Some(inner) if !inner.contains(&b'"') => ParamValue {
            octets: inner.to_vec(),
            quoted: true,
        },
        _ => ParamValue {
            octets: octets.to_vec(),
            quoted: false,
        },
    }
}

/// Where the value that begins here ends: at a comma outside quotes.
fn value_ends_at(octets: &[u8]) -> usize {
    let skip = match octets {
        [b'"', rest @ ..] => rest
            .iter()
            .position(|octet| *octet == b'"')
            .map_or(0, |at| at + 2),
        _ => 0,
    };
    octets
        .iter()
        .skip(skip)
        .position(|octet| *octet == b',')
        .map_or(octets.len(), |at| at + skip)
}

/// The first `wanted` outside quotes, else the end.
fn ends_at(octets: &[u8], wanted: u8) -> usize {
    let mut quoted = false;
    let mut before = 0;
    let mut opened = 0;
    for (at, octet) in octets.iter().enumerate() {
        match octet {
            b'"' if quoted => quoted = false,
            b'"' if matches!(before, b'=' | b',') => {
                quoted = true;
                opened = at;
            }
            found if !quoted && *found == wanted => return at,
            _ => {}
        }
        before = *octet;
    }
    if quoted {
        let after = octets.get(opened..).unwrap_or_default();
        return after
            .iter()
            .position(|octet| *octet == wanted)
            .map_or(octets.len(), |at| opened + at);
    }
    octets.len()
}

/// Undoes RFC 6868: `^n`, `^'` and `^^`; any other `^` stands for itself.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('^') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '^' {
            out.push(character);
            continue;
        }
        let mut ahead = characters.clone();
        match ahead.next() {
            Some('n' | 'N') => out.push('\n'),
            Some('\'') => out.push('"'),
            Some('^') => out.push('^'),
            _ => {
                out.push('^');
                continue;
            }
        }
        characters = ahead;
    }
    Cow::Owned(out)
}

/// Writes a parameter's value: escaped after RFC 6868, in quotes where it must be.
pub(crate) fn write_value(out: &mut String, text: &str) {
    let quote = text.contains([',', ';', ':']);
    if quote {
        out.push('"');
    }
    for character in text.chars() {
        match character {
            '^' => out.push_str("^^"),
            '"' => out.push_str("^'"),
            '\n' => out.push_str("^n"),
            character if character.is_control() && character != '\t' => {}
            character => out.push(character),
        }
    }
    if quote {
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6868_goes_both_ways() {
        for text in [
            "George \"Babe\" Ruth",
            "a^b",
            "two\nlines",
            "^n",
            "plain, not; so: much",
        ] {
            let mut written = String::new();
            write_value(&mut written, text);
            let read = value(written.as_bytes());
            assert_eq!(read.text(), text, "{written}");
        }
        assert_eq!(unescape("a^x^"), "a^x^");
    }

    #[test]
    fn values_may_be_empty_many_quoted_or_absent() {
        let all = parameters(b";A=;B=1,\"2,;:\",3;C;D=\"a\"b");
        let texts: Vec<Vec<String>> = all
            .iter()
            .map(|parameter| parameter.values.iter().map(ParamValue::text).collect())
            .collect();
        assert_eq!(
            texts,
            [vec![""], vec!["1", "2,;:", "3"], vec![], vec!["\"a\"b"]]
        );
        let many = (0..50).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(
            parameters(format!(";M={many}").as_bytes())[0].values.len(),
            50
        );
    }
}
