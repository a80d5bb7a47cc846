//! Standard S16: certificates are verified, and what a person may trust instead is exactly one
//! certificate at exactly one place.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use outbound::{Client, Error, Fingerprint, Origin, Policy, Reach, Request, Response, Url};
use testkit::{Identity, TlsFront};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const HERE: &[&str] = &["127.0.0.1", "nas.lan"];

/// A server that answers every connection once.
async fn plain() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = [0; 4096];
                let _ = stream.read(&mut seen).await;
                let answer =
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// Every name is this machine.
fn client(policy: Policy) -> Client {
    let policy = policy.with_lookup(Arc::new(|_| {
        Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
    }));
    Client::new(policy).unwrap()
}

async fn get(client: &Client, url: &str) -> Result<Response, Error> {
    let url = Url::parse(url).unwrap();
    let body = client.send(Origin::Administrator, Request::get(url)).await;
    body.inspect(|answer| assert_eq!(answer.body, b"hello"))
}

fn trusting(client: &Client, front: &TlsFront, identity: &Identity) -> Client {
    let place = Url::parse(&front.url()).unwrap();
    let fingerprint: Fingerprint = identity.fingerprint().parse().unwrap();
    client.trusting(&place, fingerprint).unwrap()
}

/// Refused without a certificate trusted: with this reason and the certificate's fingerprint.
#[track_caller]
fn is_refused(answer: Result<Response, Error>, identity: &Identity, reason: &str) {
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::Certificate { .. }), "{error:?}");
    assert!(!error.is_transient() && error.was_not_sent());
    let said = error.to_string();
    assert!(said.contains(reason), "{said}");
    assert!(said.contains(&identity.fingerprint()), "{said}");
}

/// Refused because it is not the one that was trusted.
#[track_caller]
fn is_changed(answer: Result<Response, Error>, trusted: &Identity, shown: &Identity) -> String {
    let error = answer.unwrap_err();
    assert!(
        matches!(error, Error::CertificateChanged { .. }),
        "{error:?}"
    );
    assert!(!error.is_transient() && error.was_not_sent());
    let said = error.to_string();
    assert!(said.contains("CHANGED"), "{said}");
    let (before, after) = said.split_once("the new one has").unwrap();
    assert!(before.contains(&trusted.fingerprint()), "{said}");
    assert!(after.contains(&shown.fingerprint()), "{said}");
    said
}

#[tokio::test]
async fn s16_a_certificate_that_nobody_vouches_for_is_refused_with_its_fingerprint() {
    let target = plain().await;
    let client = client(Policy::default());
    let own = Identity::new(HERE);
    let front = TlsFront::start(target, &own).await;
    is_refused(get(&client, &front.url()).await, &own, "signed by");
    // Not only once: nothing is remembered by itself.
    is_refused(get(&client, &front.url()).await, &own, "signed by");
}

#[tokio::test]
async fn s16_exactly_the_trusted_certificate_passes() {
    let target = plain().await;
    let client = client(Policy::default());
    let (own, other) = (Identity::new(HERE), Identity::new(HERE));
    for front in [
        TlsFront::start(target, &own).await,
        TlsFront::start_tls12(target, &own).await,
    ] {
        let trusting = trusting(&client, &front, &own);
        for _ in 0..2 {
            let answer = get(&trusting, &front.url()).await.unwrap();
            assert_eq!(answer.reach, Reach::Private);
        }
        // Also where a server named the place.
        let url = Url::parse(&front.url()).unwrap();
        let hop = Origin::Server(Reach::Private);
        trusting.send(hop, Request::get(url)).await.unwrap();
        // The client that it was made from trusts nobody new.
        is_refused(get(&client, &front.url()).await, &own, "signed by");

        front.show(&other);
        let said = is_changed(get(&trusting, &front.url()).await, &own, &other);
        assert!(said.contains("signed by"), "{said}");
        front.show(&own);
        get(&trusting, &front.url()).await.unwrap();
    }
}

#[tokio::test]
async fn s16_a_trusted_certificate_may_have_run_out_or_be_for_another_name() {
    let target = plain().await;
    let client = client(Policy::caldav());
    for identity in [Identity::expired(HERE), Identity::new(&["other.example"])] {
        let front = TlsFront::start(target, &identity).await;
        is_refused(get(&client, &front.url()).await, &identity, "certificate");
        let trusting = trusting(&client, &front, &identity);
        get(&trusting, &front.url()).await.unwrap();
    }
}

#[tokio::test]
async fn s16_whoever_shows_the_trusted_certificate_has_to_hold_its_key() {
    let target = plain().await;
    let client = client(Policy::default());
    let (own, thief) = (Identity::new(HERE), Identity::new(HERE));
    for front in [
        TlsFront::start(target, &own).await,
        TlsFront::start_tls12(target, &own).await,
    ] {
        let trusting = trusting(&client, &front, &own);
        get(&trusting, &front.url()).await.unwrap();
        front.show_stolen(&own, &thief);
        let error = get(&trusting, &front.url()).await.unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains("hold the key"), "{error}");
    }
}

#[tokio::test]
async fn s16_trust_ends_at_its_host_and_port() {
    let target = plain().await;
    let client = client(Policy::default());
    let own = Identity::new(HERE);
    let (front, elsewhere) = (
        TlsFront::start(target, &own).await,
        TlsFront::start(target, &own).await,
    );
    let trusting = trusting(&client, &front, &own);
    get(&trusting, &front.url()).await.unwrap();
    // The very same certificate: at another port, and under another name of the same port.
    is_refused(get(&trusting, &elsewhere.url()).await, &own, "signed by");
    let renamed = format!("https://nas.lan:{}", front.address().port());
    is_refused(get(&trusting, &renamed).await, &own, "signed by");
    // Without TLS there is nothing to trust.
    let place = Url::parse("http://127.0.0.1/").unwrap();
    let fingerprint = own.fingerprint().parse().unwrap();
    let refused = client.trusting(&place, fingerprint).unwrap_err();
    assert!(matches!(refused, Error::Address { .. }), "{refused}");
}
