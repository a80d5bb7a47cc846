//! Addresses as people type them, and the site they belong to.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::address::{Verdict, judge};
use crate::error::Error;

/// Whom an address belongs to: the registrable domain by the public suffix list; for an IP address
/// or a single-label name the host itself. Credentials never leave their site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site(String);

impl Site {
    /// The site of `url`; `None` for an address without host.
    pub fn of(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                // A name that is itself a public suffix has no registrable domain: it stands alone.
                let site = psl::domain_str(&name).unwrap_or(&name).to_owned();
                Some(Self(site))
            }
            ip => Some(Self(ip.to_string())),
        }
    }

    /// Whether both addresses belong to one site.
    pub fn same(one: &Url, other: &Url) -> bool {
        Self::of(one).is_some_and(|site| Self::of(other) == Some(site))
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an address that a person typed: white space around it and a missing `https://` are mended,
/// a fragment is dropped.
///
/// # Errors
/// [`Error::Address`] for anything that is no http(s) address, or carries a user name or password;
/// [`Error::Forbidden`] where an IP address is spelled out that is never connected to.
pub fn typed_url(text: &str) -> Result<Url, Error> {
    let text = text.trim();
    let with_scheme;
    let full = if text.contains("://") {
        text
    } else {
        with_scheme = format!("https://{text}");
        &with_scheme
    };
    let mut url = Url::parse(full).map_err(|error| Error::Address {
        why: error.to_string(),
    })?;
    url.set_fragment(None);
    check(&url)?;
    // What a name stands for shows when connecting.
    if let Some(Verdict::Never(why)) = literal(&url).map(judge) {
        return Err(Error::Forbidden {
            host: url.host_str().unwrap_or_default().to_owned(),
            why,
        });
    }
    Ok(url)
}

/// The IP address that stands in place of a name.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(v4) => Some(v4.into()),
        Host::Ipv6(v6) => Some(v6.into()),
        Host::Domain(_) => None,
    }
}

/// What must hold of every address before a request is made to it.
pub(crate) fn check(url: &Url) -> Result<(), Error> {
    let why = if !matches!(url.scheme(), "http" | "https") {
        "only http and https addresses can be used"
    } else if url.host().is_none() {
        "the host is missing"
    } else if !url.username().is_empty() || url.password().is_some() {
        "user name and password have fields of their own, leave them out of the address"
    } else {
        return Ok(());
    };
    Err(Error::Address {
        why: why.to_owned(),
    })
}

/// An address as it may be shown and logged: no user name, password, query or fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither can fail for http(s), and what cannot have a user name has nothing to hide there.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Site::same(&Url::parse(one).unwrap(), &Url::parse(other).unwrap())
    }

    #[test]
    fn a_site_is_the_registrable_domain() {
        assert!(same(
            "https://caldav.icloud.com/",
            "https://p42-caldav.icloud.com/1/"
        ));
        assert!(same(
            "https://example.co.uk",
            "https://dav.example.co.uk:8443"
        ));
        assert!(same("https://Example.COM", "https://example.com./"));
        assert!(!same("https://a.co.uk", "https://b.co.uk"));
        // Tenants of a private suffix are strangers.
        assert!(!same("https://alice.github.io", "https://bob.github.io"));
        assert!(!same("https://example.com", "https://example.com.evil.net"));
        assert!(!same("https://notexample.com", "https://example.com"));
    }

    #[test]
    fn ip_addresses_and_short_names_are_their_own_site() {
        assert!(same("http://127.0.0.1:5232", "http://127.0.0.1/dav"));
        assert!(same("http://2130706433/", "http://127.0.0.1/"));
        assert!(!same("http://127.0.0.1", "http://127.0.0.2"));
        assert!(!same("http://10.0.0.1", "http://110.0.0.1"));
        assert!(same("http://[::1]:80", "http://[::1]:81"));
        assert!(same("http://nas", "http://nas:5000"));
        assert!(!same("http://nas", "http://printer"));
        assert!(!same("http://localhost", "http://127.0.0.1"));
    }

    #[test]
    fn typed_addresses_are_mended_or_refused() {
        assert_eq!(
            typed_url(" dav.example.com/x ").unwrap().as_str(),
            "https://dav.example.com/x"
        );
        assert_eq!(
            typed_url("http://nas:5232").unwrap().as_str(),
            "http://nas:5232/"
        );
        for bad in [
            "",
            "ftp://x/",
            "file:///etc/passwd",
            "https://",
            "https://u:p@x/",
            "http://u@x",
        ] {
            assert!(typed_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let url = Url::parse("https://u:secret@x.example/a?token=secret#secret").unwrap();
        assert_eq!(shown(&url), "https://x.example/a");
    }
}
