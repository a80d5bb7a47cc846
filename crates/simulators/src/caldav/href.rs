//! Paths: percent-decoding what clients send, escaping what the server lists.
//!
//! Names are kept decoded everywhere in the state; only this module knows escapes.

use super::quirks::HrefEscape;

/// Splits a raw request path into its decoded segments and whether it ended in a slash.
///
/// `None` when an escape is malformed or does not decode to UTF-8, or a segment holds a slash.
pub(super) fn split(path: &str) -> Option<(Vec<String>, bool)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let slash = path.ends_with('/');
    let mut segments = Vec::new();
    for raw in path.split('/').filter(|s| !s.is_empty()) {
        let decoded = decode(raw)?;
        if decoded.contains('/') || decoded == ".." || decoded == "." {
            return None;
        }
        segments.push(decoded);
    }
    Some((segments, slash))
}

/// Takes the path out of an href, whether it is a path or an absolute URL.
pub(super) fn path_of(href: &str) -> &str {
    let href = href.trim();
    let Some((scheme, rest)) = href.split_once("://") else {
        return href;
    };
    if !scheme.chars().all(|c| c.is_ascii_alphanumeric()) {
        return href;
    }
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn decode(raw: &str) -> Option<String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = hex(bytes.next()?)?;
            let low = hex(bytes.next()?)?;
            out.push(high * 16 + low);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Escapes one path segment.
pub(super) fn encode(segment: &str, how: HrefEscape) -> String {
    let digits = match how {
        HrefEscape::LowerCase => b"0123456789abcdef",
        HrefEscape::Minimal | HrefEscape::EscapeAt => b"0123456789ABCDEF",
    };
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        let plain = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
            b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            | b':' => how != HrefEscape::EscapeAt,
            _ => false,
        };
        if plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(digits[usize::from(byte >> 4)]));
            out.push(char::from(digits[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded() {
        assert_eq!(
            split("/a%40b/%7bx%7D.ics"),
            Some((vec!["a@b".into(), "{x}.ics".into()], false))
        );
        assert_eq!(split("/a/?x=1"), Some((vec!["a".into()], true)));
        assert_eq!(split("/a%25b"), Some((vec!["a%b".into()], false)));
        for bad in ["/%", "/%4", "/%zz", "/%ff", "/a%2fb", "/../x", "/%2e%2e/x"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn hrefs_are_escaped_in_each_spelling() {
        assert_eq!(encode("a@b ä.ics", HrefEscape::Minimal), "a@b%20%C3%A4.ics");
        assert_eq!(
            encode("a@b ä.ics", HrefEscape::EscapeAt),
            "a%40b%20%C3%A4.ics"
        );
        assert_eq!(encode("ä{", HrefEscape::LowerCase), "%c3%a4%7b");
    }

    #[test]
    fn the_path_of_an_absolute_url_is_found() {
        assert_eq!(path_of("http://h:1/a/b"), "/a/b");
        assert_eq!(path_of(" /a/b "), "/a/b");
        assert_eq!(path_of("http://h"), "/");
        assert_eq!(path_of("/x?u=http://h/y"), "/x?u=http://h/y");
    }
}
