//! The contract of `outbound`: what is connected to, what comes back, and what does not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use outbound::{Client, Error, Origin, Policy, Reach, Request, Trail, Url, Verdict, typed_url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that gives every connection the same bytes; `hits` counts them.
async fn server(address: Ipv4Addr, answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let local = listener.local_addr().unwrap();
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut seen = [0; 4096];
                let _ = stream.read(&mut seen).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (local, hits)
}

fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// 127.0.0.2 stands for a public server.
fn judge(address: IpAddr) -> Verdict {
    if address == IpAddr::from([127, 0, 0, 2]) {
        Verdict::Reachable(Reach::Public)
    } else {
        outbound::judge(address)
    }
}

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

fn client(policy: Policy) -> Client {
    Client::new(policy.with_judge(judge)).unwrap()
}

/// `names` resolve as told, everything else not at all.
fn knowing(names: &'static [(&'static str, &'static [&'static str])]) -> Policy {
    Policy::default().with_lookup(Arc::new(move |host| {
        Box::pin(async move {
            names
                .iter()
                .find(|(name, _)| *name == host)
                .map(|(_, found)| found.iter().map(|ip| ip.parse().unwrap()).collect())
                .ok_or_else(|| std::io::Error::other("no such name"))
        })
    }))
}

async fn get(client: &Client, origin: Origin, url: &str) -> Result<outbound::Response, Error> {
    client
        .send(origin, Request::get(Url::parse(url).unwrap()))
        .await
}

const FROM_PUBLIC: Origin = Origin::Server(Reach::Public);
const FROM_PRIVATE: Origin = Origin::Server(Reach::Private);

#[tokio::test]
async fn s4_an_administrator_may_name_private_addresses_a_public_server_may_not() {
    let (at, hits) = server(Ipv4Addr::LOCALHOST, ok(b"hello")).await;
    let client = client(knowing(&[("nas.lan", &["127.0.0.1"])]));
    for url in [
        format!("http://{at}/"),
        format!("http://nas.lan:{}/", at.port()),
        format!("http://2130706433:{}/", at.port()),
    ] {
        for origin in [Origin::Administrator, FROM_PRIVATE] {
            let answer = get(&client, origin, &url).await.unwrap();
            assert_eq!(
                (answer.body.as_slice(), answer.reach),
                (&b"hello"[..], Reach::Private)
            );
        }
        let before = hits.load(Ordering::SeqCst);
        let refused = get(&client, FROM_PUBLIC, &url).await.unwrap_err();
        assert!(
            matches!(refused, Error::Forbidden { .. }),
            "{url}: {refused}"
        );
        assert_eq!(
            hits.load(Ordering::SeqCst),
            before,
            "{url}: nothing was connected to"
        );
    }
}

#[tokio::test]
async fn s4_some_addresses_are_never_connected_to_in_any_spelling() {
    let client = client(knowing(&[
        ("meta.example", &["169.254.169.254"]),
        ("mapped.example", &["::ffff:169.254.169.254"]),
        ("zero.example", &["0.0.0.0", "224.0.0.1"]),
        ("169.254.169.254.nip.example", &["169.254.169.254"]),
        ("meta.example.", &["169.254.169.254"]),
    ]));
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "0xa9.254.0251.0xfe",
        "169.254.43518",
        "169.254.169.254.",
        "①⑥⑨.254.169.254",
        "%31%36%39.254.169.254",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[::169.254.169.254]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "0.0.0.0",
        "0",
        "[::]",
        "224.0.0.1",
        "meta.example",
        "mapped.example",
        "zero.example",
        "169.254.169.254.nip.example",
        "META.example.",
    ] {
        for origin in [Origin::Administrator, FROM_PRIVATE, FROM_PUBLIC] {
            let refused = get(&client, origin, &format!("http://{host}/"))
                .await
                .unwrap_err();
            assert!(
                matches!(refused, Error::Forbidden { .. }),
                "{host}: {refused:?}"
            );
            assert!(!refused.is_transient());
        }
    }
}

#[tokio::test]
async fn s4_a_name_with_good_and_bad_addresses_is_reached_at_the_good_ones() {
    let (at, _) = server(Ipv4Addr::new(127, 0, 0, 2), ok(b"public")).await;
    let client = client(knowing(&[("both.example", &["127.0.0.1", "127.0.0.2"])]));
    let answer = get(
        &client,
        FROM_PUBLIC,
        &format!("http://both.example:{}/", at.port()),
    )
    .await
    .unwrap();
    assert_eq!(
        (answer.body.as_slice(), answer.reach),
        (&b"public"[..], Reach::Public)
    );
}

#[tokio::test]
async fn s4_a_name_that_flips_between_look_ups_is_judged_each_time() {
    let (at, hits) = server(Ipv4Addr::LOCALHOST, ok(b"inside")).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let policy = Policy::default().with_lookup(Arc::new(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let ip = if first {
            [127, 0, 0, 2]
        } else {
            [127, 0, 0, 1]
        };
        Box::pin(async move { Ok(vec![IpAddr::from(ip)]) })
    }));
    let client = client(policy);
    let url = format!("http://flip.example:{}/", at.port());
    // Judged public at first, where nobody listens; then private, which is refused.
    assert!(matches!(
        get(&client, FROM_PUBLIC, &url).await,
        Err(Error::Connect { .. })
    ));
    assert!(matches!(
        get(&client, FROM_PUBLIC, &url).await,
        Err(Error::Forbidden { .. })
    ));
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn s4_redirects_come_back_as_answers_and_are_judged_by_the_trail() {
    let (inside, hits) = server(Ipv4Addr::LOCALHOST, ok(b"inside")).await;
    let location =
        format!("HTTP/1.1 302 Found\r\nLocation: http://{inside}/\r\nContent-Length: 0\r\n\r\n");
    let (outside, _) = server(Ipv4Addr::new(127, 0, 0, 2), location.into_bytes()).await;
    let client = client(Policy::default());
    let typed = typed_url(&format!("http://{outside}/")).unwrap();
    let mut trail = Trail::new(typed.clone());
    let answer = client
        .send(Origin::Administrator, Request::get(typed))
        .await
        .unwrap();
    assert_eq!((answer.status.as_u16(), answer.reach), (302, Reach::Public));
    let hop = trail.follow(&answer).unwrap().unwrap();
    assert!(!hop.credentials);
    let refused = client
        .send(hop.origin, Request::get(hop.url))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden { .. }), "{refused}");
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_ends_at_the_limit() {
    let (small, _) = server(Ipv4Addr::LOCALHOST, ok(&[b'x'; 1000])).await;
    let (large, _) = server(Ipv4Addr::LOCALHOST, ok(&[b'x'; 1001])).await;
    let lying = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx".to_vec();
    let (lying, _) = server(Ipv4Addr::LOCALHOST, lying).await;
    let client = client(with(|policy| policy.body_limit = 1000));
    let url = |at: SocketAddr| format!("http://{at}/");
    assert_eq!(
        get(&client, Origin::Administrator, &url(small))
            .await
            .unwrap()
            .body
            .len(),
        1000
    );
    for at in [large, lying] {
        let error = get(&client, Origin::Administrator, &url(at))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { limit: 1000, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn of_an_answer_that_nobody_reads_the_head_is_enough() {
    // It declares more than it ever sends, and sends more than a webhook's receiver would.
    let mut answer = b"HTTP/1.1 200 Taken\r\nContent-Length: 4000000000\r\n\r\n".to_vec();
    answer.resize(300_000, b'x');
    let (at, _) = server(Ipv4Addr::LOCALHOST, answer).await;
    let client = client(Policy::webhook());
    let answer = get(&client, Origin::Administrator, &format!("http://{at}/")).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn a_request_may_have_a_lower_limit_of_its_own() {
    let (at, _) = server(Ipv4Addr::LOCALHOST, ok(&[b'x'; 500])).await;
    let client = client(with(|policy| policy.body_limit = 1000));
    let url = Url::parse(&format!("http://{at}/")).unwrap();
    for (limit, fits) in [(499, false), (500, true), (5000, true)] {
        let request = Request::get(url.clone()).answer_limit(limit);
        let answer = client.send(Origin::Administrator, request).await;
        assert_eq!(answer.is_ok(), fits, "{limit}");
    }
}

#[tokio::test]
async fn a_gzip_bomb_ends_at_the_limit() {
    let bomb = zeros_gzipped(64 * 1024 * 1024);
    assert!(bomb.len() < 500_000);
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    answer.extend_from_slice(&bomb);
    let (at, _) = server(Ipv4Addr::LOCALHOST, answer).await;
    let client = client(with(|policy| policy.body_limit = 1024 * 1024));
    let error = get(&client, Origin::Administrator, &format!("http://{at}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// A gzip file of zeros: one fixed-Huffman block of a literal zero and matches of length 258 at
/// distance 1 (RFC 1951 section 3.2.6). Its check sum is wrong, which nobody lives to see.
fn zeros_gzipped(length: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut count) = (0u32, 0u32);
    let mut bits = |out: &mut Vec<u8>, value: u32, width: u32| {
        held |= value << count;
        count += width;
        while count >= 8 {
            out.push((held & 0xff) as u8);
            held >>= 8;
            count -= 8;
        }
    };
    bits(&mut out, 0b011, 3);
    // Literal 0: code 00110000, most significant bit first.
    bits(&mut out, 0b0000_1100, 8);
    for _ in 0..length / 258 {
        // Length 258 is symbol 285: 11000101, distance 1 is code 00000.
        bits(&mut out, 0b1010_0011, 8);
        bits(&mut out, 0, 5);
    }
    bits(&mut out, 0, 7);
    bits(&mut out, 0, 8);
    out.extend_from_slice(&[0; 8]);
    out
}

#[tokio::test]
async fn everything_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    // Accepts (by backlog) and never answers.
    let client = client(with(|policy| {
        policy.total_timeout = Duration::from_millis(200);
    }));
    let error = get(&client, Origin::Administrator, &format!("http://{at}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(error.is_transient() && !error.was_not_sent());
    drop(listener);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let (cut, _) = server(
        Ipv4Addr::LOCALHOST,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec(),
    )
    .await;
    let (plain, _) = server(Ipv4Addr::LOCALHOST, b"SSH-2.0-OpenSSH\r\n".to_vec()).await;
    let client = client(knowing(&[]));
    let ask = async |url: String| get(&client, Origin::Administrator, &url).await.unwrap_err();
    assert!(matches!(
        ask(format!("http://{closed}/")).await,
        Error::Connect { .. }
    ));
    assert!(matches!(
        ask("http://nowhere.example/".into()).await,
        Error::Resolve { .. }
    ));
    assert!(matches!(
        ask(format!("http://{cut}/")).await,
        Error::Broken { .. }
    ));
    let tls = ask(format!("https://{plain}/secret?token=secret")).await;
    assert!(matches!(tls, Error::Tls { .. }), "{tls:?}");
    assert!(!format!("{tls} {tls:?}").contains("secret"));
}

#[tokio::test]
async fn credentials_in_an_address_are_refused() {
    let client = client(Policy::default());
    let error = get(
        &client,
        Origin::Administrator,
        "http://u:secret@127.0.0.1:1/",
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Address { .. }));
    assert!(!format!("{error:?}").contains("secret"));
}
