//! TEXT values (RFC 5545 section 3.3.11): `\\`, `\;`, `\,` and `\n`.

use std::borrow::Cow;

/// Undoes the escapes. `\:` and `\"`, which some programs write, give the bare character; any other
/// backslash stands for itself (an unescaped Windows path is the usual cause).
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut characters = from.chars();
        characters.next();
        match characters.next() {
            Some('n' | 'N') => out.push('\n'),
            Some(character @ ('\\' | ';' | ',' | ':' | '"')) => out.push(character),
            _ => {
                out.push('\\');
                rest = from.get(1..).unwrap_or_default();
                continue;
            }
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Escapes `text`. Control characters that a TEXT must not have are left out, tabs kept.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push_str("\\\\"),
            ';' => out.push_str("\\;"),
            ',' => out.push_str("\\,"),
            '\n' => out.push_str("\\n"),
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push_str("\\n");
                }
            }
            '\t' => out.push('\t'),
            character if character.is_ascii_control() => {}
            character => out.push(character),
        }
    }
    out
}

/// The parts of a value between unescaped commas, still escaped.
pub fn split_commas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        for (at, octet) in text.bytes().enumerate() {
            match octet {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b',' => {
                    rest = text.get(at + 1..);
                    return text.get(..at);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_go_both_ways() {
        for text in ["", "a,b;c\\d\ne", "\\n", "ends with \\", "ü\tß 🎉", ":\""] {
            assert_eq!(unescape(&escape(text)), text);
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(unescape(r"C:\temp\file"), r"C:\temp\file");
        assert_eq!(unescape("end\\"), "end\\");
        assert_eq!(unescape(r"a\:b\Nc"), "a:b\nc");
        assert_eq!(escape("a\u{0}b\r\nc\rd"), "ab\\nc\\nd");
    }

    #[test]
    fn commas_split_only_bare() {
        let parts: Vec<&str> = split_commas(r"a\,b,c\\,,d").collect();
        assert_eq!(parts, [r"a\,b", r"c\\", "", "d"]);
    }
}
