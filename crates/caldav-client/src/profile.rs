//! What was learned about an account's server, by asking and by doing. Kept by the application with
//! the account, as JSON; never a server's name or version.

use serde::{Deserialize, Serialize};

/// What is known of an account's server. Everything may be missing: it is learned again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// URL of the principal.
    pub principal: Option<String>,
    /// URLs of the calendar homes.
    pub homes: Vec<String>,
    /// The owner's addresses (`calendar-user-address-set`), as given.
    pub addresses: Vec<String>,
    /// The server mails guests when an organiser's object is written (RFC 6638).
    pub auto_schedule: bool,
    /// The address typed is private: what its server names may be private too.
    pub private: bool,
    /// How it wants to be signed in to.
    pub sign_in: SignIn,
    /// ETags are weak or missing: versions are compared by reading.
    pub weak_etags: bool,
    /// GET answers without ETag, or with another one than `getetag`: that one counts.
    pub get_without_etag: bool,
    /// There are no ETags at all: the content is the version.
    pub no_etags: bool,
    /// `If-None-Match: *` does not keep it from overwriting: look before creating.
    pub ignores_if_none_match: bool,
    /// Multiget is refused: resources are read one by one.
    pub no_multiget: bool,
}

/// How a server wants to be signed in to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// Not known yet.
    #[default]
    Unknown,
    /// Basic (RFC 7617).
    Basic,
    /// Digest (RFC 7616).
    Digest,
}

impl Profile {
    /// Whether the password travels where anybody may read it: the calendars are on plain http,
    /// beyond private networks. Known after a discovery.
    pub fn is_in_clear(&self) -> bool {
        let mut places = self.homes.iter().chain(&self.principal);
        !self.private && places.any(|place| place.starts_with("http://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_plain_http_beyond_private_networks_is_in_clear() {
        for (home, private, in_clear) in [
            ("http://dav.example/home/", false, true),
            ("https://dav.example/home/", false, false),
            ("http://nas.lan/home/", true, false),
        ] {
            let profile = Profile {
                homes: vec![home.to_owned()],
                private,
                ..Profile::default()
            };
            assert_eq!(profile.is_in_clear(), in_clear, "{home}");
        }
        assert!(!Profile::default().is_in_clear());
    }

    #[test]
    fn a_profile_of_another_version_is_read_as_far_as_it_goes() {
        let text = r#"{"principal":"https://x/p/","sign_in":"digest","a_later_field":1}"#;
        let profile: Profile = serde_json::from_str(text).unwrap();
        assert_eq!(profile.sign_in, SignIn::Digest);
        assert!(!profile.auto_schedule);
        let again: Profile =
            serde_json::from_str(&serde_json::to_string(&profile).unwrap()).unwrap();
        assert_eq!(again, profile);
    }
}
