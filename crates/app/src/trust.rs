//! The one certificate that a person trusts for a CalDAV account, in place of what this machine
//! trusts: read from a request, kept or dropped when the account changes, told of when it is the
//! trouble. What trusting one means on the wire is `outbound`'s.

use outbound::{Client, Error, Fingerprint, Url};
use store::records::CaldavAccount;

use crate::error::UserError;
use crate::service::{App, unusable};

/// The field of requests, of the file and of problem documents.
const FIELD: &str = "trusted_fingerprint";

/// What a request says about the certificate to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing: what was trusted stays so.
    Stays,
    /// None any more.
    Nobody,
    /// This one and no other.
    Only(Fingerprint),
}

impl Trust {
    /// Reads what was typed; empty trusts none.
    ///
    /// # Errors
    /// The field's fault, if it is no fingerprint.
    pub(crate) fn read(typed: Option<&str>) -> Result<Self, UserError> {
        match typed.map(str::trim) {
            None => Ok(Self::Stays),
            Some("") => Ok(Self::Nobody),
            Some(text) => match text.parse() {
                Ok(fingerprint) => Ok(Self::Only(fingerprint)),
                Err(error) => Err(UserError::invalid(FIELD, format!("No: {error}."))),
            },
        }
    }

    /// What is trusted once the account has this address.
    ///
    /// # Errors
    /// As [`trusted`].
    pub(crate) fn over(
        self,
        stored: &CaldavAccount,
        address: &str,
    ) -> Result<Option<Fingerprint>, UserError> {
        match self {
            // It was trusted for the server that the account had then.
            Self::Stays if same_server(&stored.base_url, address) => trusted(stored),
            Self::Stays | Self::Nobody => Ok(None),
            Self::Only(fingerprint) => Ok(Some(fingerprint)),
        }
    }
}

fn same_server(one: &str, other: &str) -> bool {
    let origin = |address| outbound::typed_url(address).ok().map(|url| url.origin());
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

/// The certificate that is trusted for a stored account.
///
/// # Errors
/// What is stored is none: then nothing is connected to, rather than with less care than was asked.
pub(crate) fn trusted(account: &CaldavAccount) -> Result<Option<Fingerprint>, UserError> {
    let stored = account.trusted_fingerprint.as_deref();
    stored
        .map(str::parse)
        .transpose()
        .map_err(|error| UserError::invalid(FIELD, format!("What is stored is none: {error}.")))
}

impl App {
    /// Connections for an account at this address.
    pub(crate) fn connections(
        &self,
        address: &Url,
        trusted: Option<Fingerprint>,
    ) -> Result<Client, UserError> {
        let usual = &self.inner.caldav;
        match trusted {
            None => Ok(usual.clone()),
            Some(fingerprint) => {
                usual
                    .trusting(address, fingerprint)
                    .map_err(|error| match error {
                        Error::Address { .. } => UserError::invalid(
                            FIELD,
                            "Only a server with an https address has a certificate.",
                        ),
                        error => unusable(&error),
                    })
            }
        }
    }
}

/// With the certificate that was shown as `fingerprint`, where that is the trouble, and the one that
/// was trusted as `trusted_fingerprint`.
pub(crate) fn named(error: UserError, trouble: &caldav_client::Error) -> UserError {
    let certificates = match trouble {
        caldav_client::Error::Unreachable { source } => source.certificates(),
        _ => None,
    };
    let Some((shown, trusted)) = certificates else {
        return error;
    };
    let error = error.with("fingerprint", shown.to_string());
    match trusted {
        Some(trusted) => error.with(FIELD, trusted.to_string()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_trust_goes_with_the_server_it_was_given_for() {
        let one = Fingerprint::of(b"one");
        let stored = CaldavAccount {
            id: sync_engine::model::AccountId::new("cda_x"),
            name: "home".to_owned(),
            base_url: "https://nas.lan/dav/".to_owned(),
            username: "ada".to_owned(),
            status: store::records::CaldavStatus::Ok,
            problem: None,
            trusted_fingerprint: Some(one.to_string()),
            profile: serde_json::Value::Null,
            managed: false,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            checked_at: None,
        };
        for (address, still) in [
            ("https://nas.lan/other/", true),
            ("https://nas.lan:443/", true),
            ("https://nas.lan:8443/dav/", false),
            ("https://nas2.lan/dav/", false),
            ("http://nas.lan/dav/", false),
        ] {
            let trusted = Trust::Stays.over(&stored, address).unwrap();
            assert_eq!(trusted, still.then_some(one), "{address}");
        }
        let two = Fingerprint::of(b"two");
        let address = "https://nas2.lan/";
        assert_eq!(Trust::Only(two).over(&stored, address).unwrap(), Some(two));
        assert_eq!(Trust::Nobody.over(&stored, &stored.base_url).unwrap(), None);
        // What cannot be read is no reason to trust more than was asked.
        let spoilt = CaldavAccount {
            trusted_fingerprint: Some("AA".to_owned()),
            ..stored
        };
        assert!(Trust::Stays.over(&spoilt, "https://nas.lan/").is_err());
    }
}
