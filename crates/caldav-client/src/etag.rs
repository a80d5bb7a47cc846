//! ETags: as servers write them, as we compare them, and made up where there are none.

use http::HeaderMap;
use http::header::ETAG;
use sha2::{Digest as _, Sha256};
use sync_engine::model::{Caldav, Etag};

/// Marks an ETag that is a hash of the content, for servers that give none.
const CONTENT: &str = "sha256:";
/// Bytes of an ETag. A longer one is as good as none: nobody makes such, and all are kept.
const LONGEST: usize = 1000;

/// Brings an ETag into one spelling: quoted, without blanks; `None` if nothing is left.
pub(crate) fn from_text(text: &str) -> Option<Etag<Caldav>> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    // Escaped twice by some servers.
    let text = text.replace("&quot;", "\"");
    let (weak, opaque) = match text.strip_prefix("W/").or_else(|| text.strip_prefix("w/")) {
        Some(opaque) => ("W/", opaque),
        None => ("", text.as_str()),
    };
    let opaque = opaque.trim_matches('"');
    (!opaque.is_empty()).then(|| Etag::new(format!("{weak}\"{opaque}\"")))
}

/// The ETag of an answer. A proxy that compresses may have changed it: such a one does not count.
pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Etag<Caldav>> {
    let etag = from_text(headers.get(ETAG)?.to_str().ok()?)?;
    (!etag.as_str().ends_with("-gzip\"")).then_some(etag)
}

/// Stands in for a missing ETag: the same for the same content, whatever its line ends.
pub(crate) fn of_content(bytes: &[u8]) -> Etag<Caldav> {
    let mut hash = Sha256::new();
    for line in bytes.trim_ascii().split(|byte| *byte == b'\n') {
        hash.update(line.strip_suffix(b"\r").unwrap_or(line));
        hash.update(b"\n");
    }
    let hash = data_encoding::HEXLOWER.encode(&hash.finalize());
    Etag::new(format!("{CONTENT}{hash}"))
}

/// Whether it is one of ours, by content.
pub(crate) fn is_of_content(etag: &Etag<Caldav>) -> bool {
    etag.as_str().starts_with(CONTENT)
}

/// Whether it is weak (RFC 9110 section 8.8.1): no good for conditions.
pub(crate) fn is_weak(etag: &Etag<Caldav>) -> bool {
    etag.as_str().starts_with("W/")
}

/// Whether a write can be made conditional on it.
pub(crate) fn is_strong(etag: &Etag<Caldav>) -> bool {
    !is_weak(etag) && !is_of_content(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_every_form() {
        for (text, expected) in [
            ("\"abc\"", Some("\"abc\"")),
            (" \"abc\" ", Some("\"abc\"")),
            ("abc", Some("\"abc\"")),
            ("&quot;abc&quot;", Some("\"abc\"")),
            ("W/\"abc\"", Some("W/\"abc\"")),
            ("w/abc", Some("W/\"abc\"")),
            ("", None),
            ("\"\"", None),
        ] {
            assert_eq!(from_text(text), expected.map(Etag::new), "{text}");
        }
    }

    #[test]
    fn an_etag_that_a_proxy_changed_does_not_count() {
        let mut headers = HeaderMap::new();
        assert_eq!(from_headers(&headers), None);
        headers.insert(ETAG, "\"abc-gzip\"".parse().unwrap());
        assert_eq!(from_headers(&headers), None);
        headers.insert(ETAG, "\"abc\"".parse().unwrap());
        assert_eq!(from_headers(&headers), Some(Etag::new("\"abc\"")));
    }

    #[test]
    fn content_counts_without_its_line_ends() {
        let made = of_content(b"A:1\r\nB:2\r\n");
        assert_eq!(made, of_content(b"A:1\nB:2"));
        assert_ne!(made, of_content(b"A:1\nB:3"));
        assert!(is_of_content(&made) && !is_strong(&made));
        assert!(!is_strong(&Etag::new("W/\"a\"")) && is_strong(&Etag::new("\"a\"")));
    }
}
