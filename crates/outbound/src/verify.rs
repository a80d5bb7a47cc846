//! Whether a server's certificate is accepted: by this machine's trust store, or because exactly this
//! certificate was trusted. Used by `tls` alone.
//!
//! A fingerprint stands in for issuer, name and dates of a certificate, and for nothing else: that
//! the server holds the certificate's key is proven in every handshake, by the same check as ever.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::certificate::Fingerprint;

/// The usual check of this machine, with at most one certificate trusted instead.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// The platform's own.
    pub(crate) usual: Arc<dyn ServerCertVerifier>,
    /// Trusted means pinned: no other certificate passes, whoever signed it.
    pub(crate) trusted: Option<Fingerprint>,
}

/// A certificate that was not accepted. Travels inside rustls' error and is found again in the chain
/// of sources of reqwest's.
#[derive(Debug, Clone)]
pub(crate) struct Rejected {
    /// The certificate that was shown.
    pub(crate) shown: Fingerprint,
    /// The one that would have been accepted.
    pub(crate) trusted: Option<Fingerprint>,
    /// What the usual check says against it; `None` if nothing.
    pub(crate) why: Option<String>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate {} is not accepted", self.shown)
    }
}

impl std::error::Error for Rejected {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(end_entity);
        if self.trusted == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let usual = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match (usual, self.trusted) {
            (Ok(verified), None) => Ok(verified),
            (usual, trusted) => Err(Error::InvalidCertificate(CertificateError::Other(
                OtherError(Arc::new(Rejected {
                    shown,
                    trusted,
                    why: usual.err().map(|error| plain(&error)),
                })),
            ))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// What is wrong with a certificate, in plain words; an unknown reason is shown as it is. Each is a
/// clause that goes on with "and its fingerprint is".
fn plain(error: &Error) -> String {
    use CertificateError as Wrong;
    let Error::InvalidCertificate(wrong) = error else {
        return error.to_string();
    };
    match wrong {
        Wrong::UnknownIssuer => "its certificate is signed by nobody this machine trusts",
        Wrong::Expired | Wrong::ExpiredContext { .. } => "its certificate has expired",
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            "its certificate is not valid yet (is the clock right?)"
        }
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        Wrong::Revoked => "its certificate has been revoked",
        Wrong::BadSignature => "its certificate is not signed by whom it says",
        // webpki's own error, without a variant in rustls.
        Wrong::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is signed by itself"
        }
        other => return format!("its certificate cannot be accepted ({other})"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use testkit::Identity;

    /// Whether a machine that trusts `authority` accepts what `shown` is, with `pinned` trusted.
    fn judged(
        authority: &Identity,
        shown: &Identity,
        pinned: Option<&Identity>,
    ) -> Result<ServerCertVerified, Rejected> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from(authority.der().to_vec());
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = Verifier {
            usual: usual.build().unwrap(),
            trusted: pinned.map(|identity| Fingerprint::of(identity.der())),
        };
        let leaf = CertificateDer::from(shown.der());
        let name = ServerName::try_from("nas.lan").unwrap();
        let verdict = verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::now());
        verdict.map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                other.0.downcast_ref::<Rejected>().unwrap().clone()
            }
            other => panic!("{other}"),
        })
    }

    #[test]
    fn s16_pinned_means_pinned() {
        let (good, own) = (Identity::new(&["nas.lan"]), Identity::new(&["nas.lan"]));
        // Nothing trusted: the usual check, and its reason.
        assert!(judged(&good, &good, None).is_ok());
        let refused = judged(&good, &own, None).unwrap_err();
        assert_eq!(refused.shown, Fingerprint::of(own.der()));
        assert_eq!(refused.trusted, None);
        assert!(refused.why.unwrap().contains("nobody this machine trusts"));
        // One trusted: it alone, whatever the usual check says of it and of others.
        assert!(judged(&good, &own, Some(&own)).is_ok());
        assert!(judged(&good, &good, Some(&good)).is_ok());
        let changed = judged(&good, &good, Some(&own)).unwrap_err();
        assert_eq!(changed.trusted, Some(Fingerprint::of(own.der())));
        assert_eq!(
            (changed.shown, changed.why),
            (Fingerprint::of(good.der()), None)
        );
        let stranger = Identity::new(&["nas.lan"]);
        assert!(
            judged(&good, &stranger, Some(&own))
                .unwrap_err()
                .why
                .is_some()
        );
    }

    #[test]
    fn s16_each_reason_has_its_words() {
        let own = |identity: &Identity| judged(identity, identity, None).unwrap_err().why;
        for (identity, words) in [
            (Identity::expired(&["nas.lan"]), "has expired"),
            (Identity::new(&["other.lan"]), "for another name"),
        ] {
            let why = own(&identity).unwrap();
            assert!(why.contains(words), "{why}");
        }
    }
}
