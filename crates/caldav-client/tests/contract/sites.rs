//! Where credentials and connections go, whatever a server says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use caldav_client::{Account, Credentials, Error, Profile};
use outbound::{Client, Policy, Reach, Url, Verdict};
use testkit::{Identity, TlsFront};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::{account, pacing, sim};

/// A server that gives every request this answer and keeps what it was sent.
async fn recorder(at: Ipv4Addr, answer: String) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((at, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 8192];
            let read = stream.read(&mut bytes).await.unwrap_or(0);
            bytes.truncate(read);
            kept.lock()
                .unwrap()
                .push(String::from_utf8_lossy(&bytes).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, heard)
}

pub(crate) async fn web_server(status: &str, body: &str) -> SocketAddr {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    recorder(Ipv4Addr::LOCALHOST, answer).await.0
}

/// Stands in front of the server at `target` (which closes its connections after each answer) and
/// gives every GET the same answer of its own.
pub(crate) async fn meddler(target: &str, got: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = target.trim_start_matches("http://").to_owned();
    let got = format!(
        "HTTP/1.1 200 OK\r\nETag: \"meddled\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{got}",
        got.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (target, got) = (target.clone(), got.clone());
            tokio::spawn(async move {
                let mut method = [0; 4];
                if stream.peek(&mut method).await.is_ok() && &method == b"GET " {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(got.as_bytes()).await;
                    let _ = stream.shutdown().await;
                } else if let Ok(mut server) = tokio::net::TcpStream::connect(&target).await {
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                }
            });
        }
    });
    address
}

/// Stands in front of the server at `target` (which closes its connections after each answer) and
/// keeps the heads of the requests that come by.
pub(crate) async fn listener(target: &str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = target.trim_start_matches("http://").to_owned();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 4096];
            let Ok(read) = stream.peek(&mut bytes).await else {
                continue;
            };
            bytes.truncate(read);
            kept.lock()
                .unwrap()
                .push(String::from_utf8_lossy(&bytes).into_owned());
            let target = target.clone();
            tokio::spawn(async move {
                if let Ok(mut server) = tokio::net::TcpStream::connect(&target).await {
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                }
            });
        }
    });
    (address, heard)
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";

/// 127.0.0.2 stands for a public server.
fn judge(address: IpAddr) -> Verdict {
    if address == IpAddr::from([127, 0, 0, 2]) {
        Verdict::Reachable(Reach::Public)
    } else {
        outbound::judge(address)
    }
}

fn judged_account(address: &str) -> Account {
    account_by(address, Policy::caldav())
}

fn account_by(address: &str, policy: Policy) -> Account {
    let client = Client::new(policy.with_judge(judge)).unwrap();
    let credentials = Credentials {
        username: "alice".to_owned(),
        password: "alicepw".to_owned().into(),
    };
    Account::new(&client, address, credentials, Profile::default(), pacing()).unwrap()
}

#[tokio::test]
async fn s16_trust_is_not_carried_along_a_redirect() {
    // The same certificate on another port of the same machine: nobody trusted it there.
    let identity = Identity::new(&["127.0.0.1"]);
    let (other, heard) = recorder(Ipv4Addr::LOCALHOST, REFUSED.to_owned()).await;
    let other = TlsFront::start(other, &identity).await;
    let answer = redirect(&format!("{}/dav/", other.url()));
    let (first, asked) = recorder(Ipv4Addr::LOCALHOST, answer).await;
    let first = TlsFront::start(first, &identity).await;
    let typed = Url::parse(&first.url()).unwrap();
    let trusted = identity.fingerprint().parse().unwrap();
    let client = Client::new(Policy::caldav()).unwrap();
    let client = client.trusting(&typed, trusted).unwrap();
    let credentials = Credentials {
        username: "alice".to_owned(),
        password: "alicepw".to_owned().into(),
    };
    let account = Account::new(
        &client,
        typed.as_str(),
        credentials,
        Profile::default(),
        pacing(),
    );
    let error = account.unwrap().discover().await.unwrap_err();
    let Error::UnsafeElsewhere {
        other: place,
        source,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*place, other.url());
    assert!(matches!(source, outbound::Error::Certificate { .. }));
    assert_eq!(error.code(), "caldav_unreachable");
    assert!(error.action().contains(&other.url()));
    assert!(!asked.lock().unwrap().is_empty());
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn s4_credentials_never_reach_another_site() {
    let (other, heard) = recorder(Ipv4Addr::LOCALHOST, REFUSED.to_owned()).await;
    // Another name of the same machine is another site.
    let (first, asked) = recorder(
        Ipv4Addr::LOCALHOST,
        redirect(&format!("http://localhost:{}/dav/", other.port())),
    )
    .await;
    let error = account(&format!("http://{first}/"))
        .discover()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::OtherSite { .. }), "{error}");
    assert_eq!(error.code(), "caldav_unauthorized");
    assert!(
        asked.lock().unwrap()[0]
            .to_lowercase()
            .contains("authorization: basic")
    );
    let heard = heard.lock().unwrap();
    assert!(!heard.is_empty(), "the redirect was followed");
    for request in heard.iter() {
        assert!(
            !request.to_lowercase().contains("authorization"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_home_on_another_site_gets_no_credentials_either() {
    let (other, heard) = recorder(Ipv4Addr::LOCALHOST, REFUSED.to_owned()).await;
    let sim = sim(|quirks| {
        quirks.home_base_url = Some(format!("http://localhost:{}/", other.port()));
    });
    let error = account(sim.url()).discover().await.unwrap_err();
    assert!(matches!(error, Error::OtherSite { .. }), "{error}");
    for request in heard.lock().unwrap().iter() {
        assert!(
            !request.to_lowercase().contains("authorization"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn credentials_follow_within_the_site() {
    let sim = sim(|_| {});
    let port = sim.url().rsplit(':').next().unwrap().to_owned();
    let (first, _) = recorder(
        Ipv4Addr::LOCALHOST,
        redirect(&format!("http://127.0.0.1:{port}/dav/")),
    )
    .await;
    let found = account(&format!("http://{first}/"))
        .discover()
        .await
        .unwrap();
    assert_eq!(found.calendars.len(), 1);
}

#[tokio::test]
async fn s4_a_public_server_leads_nobody_into_a_private_network() {
    let sim = sim(|_| {});
    let (public, _) = recorder(
        Ipv4Addr::new(127, 0, 0, 2),
        redirect(&format!("{}/dav/", sim.url())),
    )
    .await;
    let error = judged_account(&format!("http://{public}/"))
        .discover()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unreachable {
                source: outbound::Error::Forbidden { .. }
            }
        ),
        "{error}"
    );
    assert!(sim.log().is_empty(), "nothing was asked there");
}

#[tokio::test]
async fn s4_a_public_server_s_hrefs_lead_nobody_into_a_private_network() {
    let sim = sim(|_| {});
    let body = format!(
        "<multistatus xmlns=\"DAV:\"><response><href>/</href><propstat><prop>\
         <current-user-principal><href>{}/dav/principals/alice/</href></current-user-principal>\
         </prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>",
        sim.url()
    );
    let answer = format!(
        "HTTP/1.1 207 Multi-Status\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (public, heard) = recorder(Ipv4Addr::new(127, 0, 0, 2), answer).await;
    let error = judged_account(&format!("http://{public}/"))
        .discover()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unreachable {
                source: outbound::Error::Forbidden { .. }
            }
        ),
        "{error}"
    );
    assert!(sim.log().is_empty(), "nothing was asked there");
    // In clear on a public network the password waits until it is asked for.
    assert!(
        !heard.lock().unwrap()[0]
            .to_lowercase()
            .contains("authorization")
    );
}

#[tokio::test]
async fn s4_a_name_that_was_public_leads_nobody_into_a_private_network() {
    let public = Ipv4Addr::new(127, 0, 0, 2);
    let (at, heard) = recorder(public, redirect("/again")).await;
    let asked = AtomicUsize::new(0);
    // Public when it is asked for first, private from then on.
    let flipping = Policy::caldav().with_lookup(Arc::new(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let found = if first { public } else { Ipv4Addr::LOCALHOST };
        Box::pin(async move { Ok(vec![IpAddr::from(found)]) })
    }));
    let typed = format!("http://flip.example:{}/", at.port());
    let error = account_by(&typed, flipping).discover().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unreachable {
                source: outbound::Error::Forbidden { .. }
            }
        ),
        "{error}"
    );
    assert_eq!(heard.lock().unwrap().len(), 1, "the first answer, no other");
}

#[tokio::test]
async fn s4_a_circle_of_redirects_ends() {
    let (circle, heard) = recorder(Ipv4Addr::LOCALHOST, redirect("/again")).await;
    let error = account(&format!("http://{circle}/"))
        .discover()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "caldav_unreachable");
    assert!(heard.lock().unwrap().len() <= 6);
}
