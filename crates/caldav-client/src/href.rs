//! Hrefs: one identity for every spelling of a resource's path, and names of our own that have only
//! one.

use std::fmt::Write as _;

use sync_engine::model::{Caldav, ResourceId};
use url::Url;

/// Bytes of an href. Names of files have 255, and a server's own paths are short.
const LONGEST: usize = 4096;

/// A resource's path on its server: the normalised form that identifies it, and the form in which
/// the server wrote it, which is what requests use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Href {
    canonical: String,
    raw: String,
}

impl Href {
    /// Reads what a server wrote, relative to what was asked. Only the path counts: a server behind
    /// a proxy does not know its own name. `None` for what names no resource (empty, `mailto:`, absurdly long).
    pub(crate) fn parse(base: &Url, text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let url = match base.join(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            // A relative name with a colon looks like a scheme.
            _ if !text.contains("//") => base.join(&format!("./{text}")).ok()?,
            _ => return None,
        };
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            canonical: canonical(url.path()),
            raw: raw_path(text).unwrap_or_else(|| url.path().to_owned()),
        })
    }

    /// The resource of this id, written as the server once did, if that is known.
    pub(crate) fn of(id: &ResourceId<Caldav>, raw: Option<&str>) -> Self {
        Self {
            canonical: id.as_str().to_owned(),
            raw: raw.unwrap_or(id.as_str()).to_owned(),
        }
    }

    /// The path that identifies it.
    pub(crate) fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The id of the resource.
    pub(crate) fn id(&self) -> ResourceId<Caldav> {
        ResourceId::new(self.canonical.clone())
    }

    /// The path for requests.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The server's spelling, where it is another than the normalised one.
    pub(crate) fn odd_spelling(&self) -> Option<&str> {
        (self.raw != self.canonical).then_some(&self.raw)
    }

    /// Every spelling worth asking for before believing that nothing is there: some servers list
    /// `%40` and answer only to `@`, or the other way round.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let mut all = vec![self.raw.clone()];
        for other in [self.canonical.clone(), escaped(&self.canonical)] {
            if !all.contains(&other) {
                all.push(other);
            }
        }
        all
    }

    /// The absolute URL for requests, on the server of `base`.
    pub(crate) fn url(&self, base: &Url) -> Url {
        on(base, &self.raw)
    }
}

/// The URL of a path on the server of `base`.
pub(crate) fn on(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url
}

/// The normalised form of a collection's URL, with a slash at its end: the calendar's identity.
pub(crate) fn collection(url: &Url) -> Url {
    let mut path = canonical(url.path());
    if !path.ends_with('/') {
        path.push('/');
    }
    on(url, &path)
}

/// Whether both paths name the same collection, whatever their last slash.
pub(crate) fn same_collection(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The last segment of a path, decoded, for people.
pub(crate) fn last_segment(path: &str) -> String {
    let segment = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    String::from_utf8_lossy(&decoded(segment)).into_owned()
}

/// The path as the server wrote it, if it is absolute and holds nothing that must not stand in a
/// request line.
fn raw_path(text: &str) -> Option<String> {
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.get(rest.find('/')?..)?,
        None => text,
    };
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\')
        })
        && !path
            .split('/')
            .any(|part| matches!(part, "." | "..") || part.to_ascii_lowercase().contains("%2e"));
    plain.then(|| path.to_owned())
}

/// A path with exactly one spelling: unreserved characters, sub-delimiters, `:` and `@` as they are,
/// everything else escaped in upper case (RFC 3986 sections 3.3 and 6.2.2).
fn canonical(path: &str) -> String {
    each_segment(path, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
    })
}

/// The same path with everything escaped but unreserved characters.
fn escaped(path: &str) -> String {
    each_segment(path, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

fn each_segment(path: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(path.len());
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in decoded(segment) {
            if plain(byte) {
                out.push(char::from(byte));
            } else {
                // Writing into a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A segment's bytes; a `%` that begins no escape stands for itself.
fn decoded(segment: &str) -> Vec<u8> {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| data_encoding::HEXUPPER_PERMISSIVE.decode(hex).ok());
        if let Some(value) = escape {
            out.extend(value);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://dav.example.com/alice/work/").unwrap()
    }

    fn id(text: &str) -> String {
        Href::parse(&base(), text).unwrap().canonical
    }

    #[test]
    fn every_spelling_of_a_resource_is_one_resource() {
        for spellings in [
            &[
                "/alice/work/a@b.ics",
                "/alice/work/a%40b.ics",
                "a@b.ics",
                "https://dav.example.com/alice/work/a%40b.ics",
                "https://inside:8443/alice/work/a@b.ics",
                " /alice/work/a@b.ics\n",
            ][..],
            &[
                "/alice/work/%C3%A4.ics",
                "/alice/work/%c3%a4.ics",
                "/alice/work/ä.ics",
            ],
            &[
                "/alice/work/%7BA%7D.ics",
                "/alice/work/{A}.ics",
                "/alice/work/%7bA%7d.ics",
            ],
            &["/alice/work/a%26b.ics", "/alice/work/a&b.ics"],
            &["/alice/work/a b.ics", "/alice/work/a%20b.ics"],
            &["/alice/work/a:b.ics", "a:b.ics", "/alice/work/a%3Ab.ics"],
        ] {
            let first = id(spellings[0]);
            for spelling in spellings {
                assert_eq!(id(spelling), first, "{spelling}");
            }
        }
    }

    #[test]
    fn different_resources_stay_different() {
        for (one, other) in [
            ("/a%25b.ics", "/a%b.ics%"),
            ("/a%2Fb.ics", "/a/b.ics"),
            ("/A.ics", "/a.ics"),
            ("/a%2540b.ics", "/a%40b.ics"),
            ("/a+b.ics", "/a%20b.ics"),
        ] {
            assert_ne!(id(one), id(other), "{one} {other}");
        }
        assert_eq!(id("/a%25b.ics"), "/a%25b.ics");
        assert_eq!(id("/100%.ics"), "/100%25.ics");
    }

    #[test]
    fn the_server_s_spelling_is_kept_for_requests() {
        let href = Href::parse(&base(), "/alice/work/a%40b.ics").unwrap();
        assert_eq!(href.raw(), "/alice/work/a%40b.ics");
        assert_eq!(href.odd_spelling(), Some("/alice/work/a%40b.ics"));
        assert_eq!(
            href.url(&base()).as_str(),
            "https://dav.example.com/alice/work/a%40b.ics"
        );
        assert_eq!(
            href.spellings(),
            ["/alice/work/a%40b.ics", "/alice/work/a@b.ics"]
        );
        let plain = Href::parse(&base(), "/alice/work/a.ics").unwrap();
        assert_eq!((plain.odd_spelling(), plain.spellings().len()), (None, 1));
    }

    #[test]
    fn what_names_no_resource_is_none() {
        for text in [
            "",
            "  ",
            "mailto://x",
            "file:///etc/passwd",
            "javascript://x",
        ] {
            assert_eq!(Href::parse(&base(), text), None, "{text}");
        }
        // Dots lead no further than to the root.
        assert_eq!(id("../../../../x.ics"), "/x.ics");
        assert_eq!(Href::parse(&base(), "/a/../b.ics").unwrap().raw(), "/b.ics");
    }

    #[test]
    fn a_collection_is_one_whatever_its_last_slash() {
        let url = |text: &str| collection(&Url::parse(text).unwrap()).to_string();
        assert_eq!(url("https://x.example/a%40b"), "https://x.example/a@b/");
        assert_eq!(url("https://x.example/a@b/?q#f"), "https://x.example/a@b/");
        assert_eq!(url("https://x.example"), "https://x.example/");
        assert!(same_collection("/a/b", "/a/b/"));
        assert!(!same_collection("/a/b", "/a/b/c"));
        assert_eq!(last_segment("/alice/My%20Work/"), "My Work");
    }

    proptest::proptest! {
        #[test]
        fn one_spelling_is_the_only_one(path in "(/[ -~äß%]{0,8}){1,4}") {
            let once = canonical(&path);
            proptest::prop_assert_eq!(&canonical(&once), &once);
            proptest::prop_assert_eq!(canonical(&escaped(&path)), once.clone());
            // What identifies a resource survives being asked for.
            if !path.split('/').any(|part| matches!(part, "." | "..")) && !path.starts_with("//") {
                proptest::prop_assert_eq!(canonical(on(&base(), &once).path()), once);
            }
        }
    }
}
