//! TLS in front of any HTTP server, with certificates made for the test: signed by themselves, run
//! out, changed while it runs, or shown by somebody who does not hold their key.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How many certificates were made.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A certificate signed by its own key, and that key.
#[derive(Debug)]
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// For some names or addresses, good for decades.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        Self::made(names, |_| {})
    }

    /// The same, run out long ago.
    #[must_use]
    pub fn expired(names: &[&str]) -> Self {
        Self::made(names, |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        })
    }

    fn made(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        // One name each: who seems to be signed by another one fails for another reason.
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("certificate {number} of a test");
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        }
    }

    /// The certificate's SHA-256 as upper-case pairs with colons.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.certificate);
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    /// The certificate as PEM, for `SSL_CERT_FILE`.
    #[must_use]
    pub fn pem(&self) -> String {
        let lines = data_encoding::BASE64_MIME.encode(&self.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
    }

    /// The certificate as it is sent.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// This certificate with that one's key.
    fn held_by(&self, holder: &Self) -> CertifiedKey {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(holder.key.clone()));
        let key = aws_lc_rs::sign::any_supported_type(&key).expect("a key of a usual kind");
        CertifiedKey::new(vec![CertificateDer::from(self.certificate.clone())], key)
    }
}

/// What is shown to who connects next.
#[derive(Debug)]
struct Shown(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

/// Takes TLS on a free port of 127.0.0.1 and passes on what is in it. Gone with its
/// handle.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    shown: Arc<Shown>,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// In front of an HTTP server.
    pub async fn start(target: SocketAddr, identity: &Identity) -> Self {
        Self::speaking(ALL_VERSIONS, target, identity).await
    }

    /// The same with TLS 1.2 alone.
    pub async fn start_tls12(target: SocketAddr, identity: &Identity) -> Self {
        Self::speaking(&[&rustls::version::TLS12], target, identity).await
    }

    async fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        target: SocketAddr,
        identity: &Identity,
    ) -> Self {
        let shown = Arc::new(Shown(Mutex::new(Arc::new(identity.held_by(identity)))));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions that fit together")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let task = tokio::spawn(async move {
            while let Ok((outer, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut outer) = acceptor.accept(outer).await else {
                        return;
                    };
                    if let Ok(mut inner) = TcpStream::connect(target).await {
                        tokio::io::copy_bidirectional(&mut outer, &mut inner)
                            .await
                            .ok();
                    }
                });
            }
        });
        Self {
            address,
            shown,
            task,
        }
    }

    /// The address for clients, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows another certificate from the next connection on.
    pub fn show(&self, identity: &Identity) {
        self.put(identity.held_by(identity));
    }

    /// Shows a certificate whose key somebody else holds.
    pub fn show_stolen(&self, certificate: &Identity, thief: &Identity) {
        self.put(certificate.held_by(thief));
    }

    fn put(&self, shown: CertifiedKey) {
        *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown);
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}
