//! Requests as only trouble sends them, byte by byte: half-open, slow, huge, torn. The service stays
//! there for everybody else.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Answer, Site};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

async fn connect(site: &Site) -> TcpStream {
    TcpStream::connect(("127.0.0.1", site.port)).await.unwrap()
}

/// Sends bytes as they are; what comes back until the connection ends.
async fn raw(site: &Site, bytes: &[u8]) -> String {
    let mut stream = connect(site).await;
    // Whoever is refused early need not listen to the end.
    let _ = stream.write_all(bytes).await;
    rest(stream).await
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.unwrap_or_else(|_| panic!("the connection is left open"));
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(site: &Site, request: &str, more: &str) -> String {
    format!(
        "{request} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{more}\r\n",
        site.port, site.key
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_are_outlived_and_closed() {
    let site = Site::new().await;
    let mut half_open = Vec::new();
    for number in 0..400 {
        let mut stream = connect(&site).await;
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /ui/ HTTP/1.1\r\nHo",
            _ => b"POST /ui/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\r\n",
        };
        stream.write_all(begun).await.unwrap();
        half_open.push(stream);
    }
    // Somebody who has business here does not wait for them to be given up.
    for path in ["/healthz", "/status", "/mappings"] {
        let answer = timeout(Duration::from_secs(5), site.get(path)).await;
        assert_eq!(answer.unwrap().status, 200, "{path}");
    }
    for stream in half_open {
        rest(stream).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_given_up() {
    let site = Site::new().await;
    let more = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let answer = raw(
        &site,
        (head(&site, "POST /mappings", more) + "{").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_slow\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_nobody_reads_do_no_harm() {
    let site = Site::new().await;
    site.mapped().await;
    for bytes in [1_000, 60_000, 400_000, 3_000_000] {
        let foreign = site
            .keyed(Method::POST, "/sync?wait=false")
            .header("content-type", "application/octet-stream")
            .body(vec![b'x'; bytes]);
        let answer = Answer::of(foreign).await;
        assert_eq!(answer.status, 202, "{bytes}: {}", answer.text);
        let large = site
            .keyed(Method::POST, "/mappings")
            .header("content-type", "application/json")
            .body(vec![b' '; bytes]);
        let answer = Answer::of(large).await;
        let expected = if bytes > 64 * 1024 { 413 } else { 400 };
        assert_eq!(answer.status, expected, "{bytes}: {}", answer.text);
    }
    // One that never ends.
    let mut stream = connect(&site).await;
    let endless = head(
        &site,
        "POST /sync?wait=false",
        "Transfer-Encoding: chunked\r\n",
    );
    stream.write_all(endless.as_bytes()).await.unwrap();
    let piece = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let sent = async { while stream.write_all(piece.as_bytes()).await.is_ok() {} };
    assert!(timeout(PATIENCE, sent).await.is_ok(), "it is read for ever");
}

/// Sends a head and then pieces of a body, one after each pause, until the connection ends. What
/// comes back.
async fn endless(site: &Site, head: &str, piece: &str, pause: Duration) -> String {
    let (mut hear, mut speak) = connect(site).await.into_split();
    speak.write_all(head.as_bytes()).await.unwrap();
    let speaking = async {
        while speak.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    };
    let mut answer = Vec::new();
    let hearing = async {
        let mut some = [0; 4096];
        while let Ok(read @ 1..) = hear.read(&mut some).await {
            answer.extend_from_slice(&some[..read]);
        }
    };
    let both = async { tokio::join!(speaking, hearing) };
    let ended = timeout(PATIENCE, both).await;
    assert!(ended.is_ok(), "the connection is left open: {head}");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_never_end_are_left_with_an_answer() {
    let site = Site::new().await;
    let cookie = format!("Cookie: {}\r\n", site.browser().await);
    let key = format!("Authorization: Bearer {}\r\n", site.key);
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let much = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let little = "1\r\n \r\n".to_owned();
    let mut requests = Vec::new();
    for (request, who, kind, status) in [
        ("POST /mappings", key.as_str(), json, "413"),
        ("PUT /settings", &key, json, "413"),
        ("PATCH /caldav/accounts/x", &key, json, "413"),
        ("POST /ui/caldav/new", &cookie, form, "413"),
        // Anybody may send these.
        ("POST /ui/sign-in", "", form, "413"),
        ("POST /mappings", "", json, "401"),
        ("PUT /settings", "", json, "401"),
        ("POST /nowhere", "", json, "401"),
        // Nobody reads a body here.
        ("GET /status", &key, json, "200"),
        ("POST /nowhere", &key, json, "404"),
        ("GET /healthz", "", json, "200"),
    ] {
        // By the drop, whoever waits for the end gives up.
        let slow = if status == "413" { "408" } else { status };
        for (piece, pause, status) in [(&much, 5, status), (&little, 500, slow)] {
            let head = format!(
                "{request} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{who}Content-Type: {kind}\r\n\
                 Transfer-Encoding: chunked\r\n\r\n",
                site.port
            );
            requests.push((head, piece, Duration::from_millis(pause), status));
        }
    }
    let answers = requests.iter().map(async |(head, piece, pause, status)| {
        let answer = endless(&site, head, piece, *pause).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{head}{status}: {answer}");
        // One answer, and nothing that came later was taken for a request.
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}{answer}");
    });
    futures_util::future::join_all(answers).await;
    assert_eq!(site.get("/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_and_twisted_requests_are_refused() {
    let site = Site::new().await;
    let body = "Content-Type: application/json\r\n";
    for (request, more) in [
        ("GET /status", "Content-Length: x\r\n".to_owned()),
        ("GET /status", "Transfer-Encoding: sideways\r\n".to_owned()),
        ("GET /sta\u{1}tus", String::new()),
        ("GET /status HTTP/1.1 HTTP/1.1", String::new()),
        (
            "POST /sync",
            format!("{body}Content-Length: 2\r\nContent-Length: 3\r\n"),
        ),
        (
            "POST /sync",
            format!("{body}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
        ),
        (
            "GET /status",
            format!("X-Long: {}\r\n", "x".repeat(300_000)),
        ),
        ("GET /status", "X-Many: y\r\n".repeat(500)),
    ] {
        let answer = raw(&site, head(&site, request, &more).as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        let short: String = more.chars().take(60).collect();
        assert!(
            answer.is_empty() || status.starts_with('4'),
            "{request} {short}: {answer}"
        );
    }
    let long = format!("/status?{}", "x".repeat(60_000));
    let answer = Answer::of(site.keyed(Method::GET, &long)).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    assert!(answer.text.len() < 3_000, "it repeats what it was sent");
    assert_eq!(site.get("/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uids_may_hold_anything() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let odd = [
        "a/b",
        "50%",
        "a b+c",
        "?q=1&x#y",
        "ü-日本-🎉",
        "../../status",
        "\"'<>\\",
        "history",
    ];
    for (number, uid) in odd.iter().enumerate() {
        let ics = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:{}\r\n\
             DTSTAMP:20260101T000000Z\r\nDTSTART:{}T100000Z\r\nDTEND:{}T110000Z\r\n\
             SUMMARY:Odd {number}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            uid.replace('\\', "\\\\"),
            day(),
            day(),
        );
        site.caldav
            .put("alice", "work", &format!("odd-{number}.ics"), &ics);
    }
    let run = site.sync(&mapping).await;
    assert_eq!(run["inserted"], odd.len(), "{run}");
    for uid in odd {
        let query: String = url::form_urlencoded::byte_serialize(uid.as_bytes()).collect();
        let bytes: Vec<String> = uid.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = bytes.concat();
        let by_query = site
            .get(&format!("/events/history?uid={query}"))
            .await
            .json();
        assert_eq!(by_query["events"][0]["uid"], json!(uid), "{by_query}");
        let by_path = raw(
            &site,
            head(
                &site,
                &format!("GET /events/{path}/history"),
                "Connection: close\r\n",
            )
            .as_bytes(),
        )
        .await;
        let (_, body) = by_path.split_once("\r\n\r\n").unwrap();
        let uid = json!(uid).to_string();
        assert!(body.contains(&uid), "{uid}: {by_path}");
    }
}

fn day() -> String {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    day.strftime("%Y%m%d").to_string()
}
