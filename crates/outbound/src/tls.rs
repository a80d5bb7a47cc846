//! TLS of outgoing connections: what reqwest sets up by itself, with our [`Verifier`] in its place.
//! Called by `client` alone.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ALL_VERSIONS, ClientConfig, Error};

use crate::certificate::Fingerprint;
use crate::verify::Verifier;

/// This machine's trust store, read once for all connections of a client. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    usual: Arc<dyn ServerCertVerifier>,
}

impl Tls {
    /// Reads the trust store.
    ///
    /// # Errors
    /// rustls', if the machine has none.
    pub(crate) fn of_this_machine() -> Result<Self, Error> {
        let provider = CryptoProvider::get_default()
            .map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone);
        let usual = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?;
        Ok(Self {
            provider,
            usual: Arc::new(usual),
        })
    }

    /// The settings of connections that accept what this machine trusts, or, with `trusted`, that one
    /// certificate.
    ///
    /// # Errors
    /// rustls', if it has none of the usual versions.
    pub(crate) fn config(
        &self,
        trusted: Option<Fingerprint>,
        http1_only: bool,
    ) -> Result<ClientConfig, Error> {
        let verifier = Verifier {
            usual: Arc::clone(&self.usual),
            trusted,
        };
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(ALL_VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if !http1_only {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        if trusted.is_some() {
            // A resumed session shows no certificate, and a changed one has to be seen.
            config.resumption = Resumption::disabled();
        }
        Ok(config)
    }
}
