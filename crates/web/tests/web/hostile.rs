//! Requests that no honest client sends: refused or understood, never a failure of ours, and the
//! site goes on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Site};

/// Sends bytes as they are; the status of the answer, `None` if there is none.
fn raw(port: u16, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The server may have hung up before everything was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(read) = stream.read(&mut piece) {
        answer.extend_from_slice(piece.get(..read)?);
        if read == 0 || answer.len() > 12 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.split(' ').nth(1)?.parse().ok()
}

/// Whether an answer is one of a healthy site: understood or refused.
fn healthy(status: u16) -> bool {
    (200..500).contains(&status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_made_to_hurt_are_refused() {
    let site = Site::new().await;
    let host = format!("Host: 127.0.0.1:{}\r\n", site.port);
    let key = format!("Authorization: Bearer {}\r\n", site.key);
    let long = "x".repeat(300_000);
    let heads: Vec<(&str, Vec<u8>)> = vec![
        ("no version", b"GET /status\r\n\r\n".to_vec()),
        ("another version", format!("GET /status HTTP/9.9\r\n{host}\r\n").into()),
        ("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("two hosts", format!("GET /status HTTP/1.1\r\n{host}Host: evil.example\r\n{key}\r\n").into()),
        ("no host", format!("GET /status HTTP/1.1\r\n{key}\r\n").into()),
        ("an absolute target", format!("GET http://evil.example/status HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("an authority", format!("CONNECT evil.example:443 HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("an asterisk", format!("OPTIONS * HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("TRACE", format!("TRACE /status HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("a method of its own", format!("EVIL /status HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("a NUL in a header", format!("GET /status HTTP/1.1\r\n{host}X-A: a\0b\r\n\r\n").into()),
        ("a folded header", format!("GET /status HTTP/1.1\r\n{host}X-A: a\r\n b\r\n\r\n").into()),
        ("a space before the colon", format!("GET /status HTTP/1.1\r\n{host}X-A : a\r\n\r\n").into()),
        ("a long header", format!("GET /status HTTP/1.1\r\n{host}X-A: {long}\r\n\r\n").into()),
        ("many headers", format!("GET /status HTTP/1.1\r\n{host}{}\r\n", "X-A: 1\r\n".repeat(5000)).into()),
        ("a long path", format!("GET /{long} HTTP/1.1\r\n{host}{key}\r\n").into()),
        ("two lengths", format!("POST /sync HTTP/1.1\r\n{host}{key}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}").into()),
        ("length and chunks", format!("POST /sync HTTP/1.1\r\n{host}{key}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /status HTTP/1.1\r\n\r\n").into()),
        ("odd chunks", format!("POST /sync HTTP/1.1\r\n{host}{key}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n").into()),
        ("a negative length", format!("POST /sync HTTP/1.1\r\n{host}{key}Content-Length: -1\r\n\r\n").into()),
        ("a length beyond numbers", format!("POST /sync HTTP/1.1\r\n{host}{key}Content-Length: 99999999999999999999\r\n\r\n").into()),
        ("a chunk beyond numbers", format!("POST /mappings HTTP/1.1\r\n{host}{key}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n").into()),
        ("two keys", format!("GET /status HTTP/1.1\r\n{host}{key}Authorization: Bearer other\r\n\r\n").into()),
        ("a key with odd letters", format!("GET /status HTTP/1.1\r\n{host}Authorization: Bearer \u{fffd}\u{1f511}\r\n\r\n").into()),
    ];
    for (name, bytes) in heads {
        if let Some(status) = raw(site.port, &bytes) {
            assert!(
                healthy(status) || status == 501 || status == 505,
                "{name}: {status}"
            );
            let refused = !(200..300).contains(&status);
            let understood = [
                "a folded header",
                "many headers",
                "two keys",
                "a space before the colon",
            ];
            assert!(refused || understood.contains(&name), "{name}: {status}");
        }
        assert_eq!(site.get("/status").await.status, 200, "after {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_lead_nowhere_else() {
    let site = Site::new().await;
    let long = "a".repeat(8000);
    for path in [
        "/../status",
        "/ui/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/ui/..%2f..%2fetc%2fpasswd",
        "/ui/assets/..%2f..%2fCargo.toml",
        "/ui/assets/%2e%2e/%2e%2e/secret.key",
        "//evil.example/",
        "/ui//",
        "/\\evil.example",
        "/ui/%5c%5cevil",
        "/%00",
        "/ui/runs/%00",
        "/ui/runs/%0d%0aSet-Cookie:x=1",
        "/ui/runs/%ff%fe",
        "/ui/runs/%c0%af",
        "/ui/mappings/%F0%9F%92%A3",
        "/mappings/..",
        "/mappings/%2e",
        "/runs/%25%25%25",
        "/events/%00/history",
        "/events/%ff/history",
        "/status;x=1",
        "/status%2f",
        "/STATUS",
        "/ui/mappings/'%20OR%201=1--",
        "/caldav/calendars?account_id='%3BDROP%20TABLE%20account--",
        "/events/history?uid=%00",
        "/events/history?uid=%ff",
        "/events/history?uid=%F0%9F%92%A3",
        "/runs?before=%00",
        "/runs?limit=99999999999999999999",
        "/runs?limit=-1",
        "/runs?limit=1e9",
        "/?%",
        "/status?%ff=%ff",
        "/ui/?done=%3Cscript%3E",
        "/ui/sign-in?next=//evil.example/",
        "/oauth/callback?code=%00&state=%ff",
        "/oauth/start?account=%00",
    ]
    .map(ToOwned::to_owned)
    .into_iter()
    .chain([
        format!("/runs/{long}"),
        format!("/events/{long}/history"),
        format!("/ui/mappings/{long}"),
    ]) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            site.port, site.key
        );
        if let Some(status) = raw(site.port, head.as_bytes()) {
            assert!(healthy(status), "{path}: {status}");
        }
        let url = format!("http://127.0.0.1:{}{path}", site.port);
        if let Ok(answer) = site.http.get(url).bearer_auth(&site.key).send().await {
            let to = answer
                .headers()
                .get("location")
                .map(|to| to.to_str().unwrap().to_owned());
            assert!(to.is_none_or(|to| !to.contains("evil")), "{path}");
            let text = answer.text().await.unwrap_or_default();
            assert!(
                !text.contains("root:") && !text.contains("[package]"),
                "{path}: {text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_made_to_hurt_are_refused_at_every_door() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let id = mapping["id"].as_str().unwrap();
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("deep lists", deep("[", "]").into_bytes()),
        ("deep objects", deep("{\"a\":", "}").into_bytes()),
        (
            "a deep member",
            format!("{{\"name\":{}}}", deep("[", "]")).into_bytes(),
        ),
        ("no UTF-8", b"{\"name\":\"\xff\xfe\"}".to_vec()),
        ("overlong UTF-8", b"{\"name\":\"\xc0\x80\"}".to_vec()),
        ("UTF-16", utf16("{\"name\":\"a\"}")),
        ("half a pair", br#"{"name":"\ud800"}"#.to_vec()),
        ("a NUL after it", b"{}\0".to_vec()),
        (
            "a number beyond numbers",
            br#"{"interval_seconds":1e999}"#.to_vec(),
        ),
        (
            "a very long number",
            format!("{{\"interval_seconds\":{}}}", "9".repeat(60_000)).into_bytes(),
        ),
        ("names twice", br#"{"name":"a","name":"b"}"#.to_vec()),
        ("ten thousand members", {
            let members: Vec<String> = (0..6000).map(|n| format!("\"m{n}\":1")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        }),
        ("ten thousand webhooks", {
            let one = r#"{"url":"http://x/","enabled":true}"#;
            let many = vec![one; 1800].join(",");
            format!("{{\"webhooks\":[{many},5]}}").into_bytes()
        }),
        ("too much", vec![b' '; 1_000_000]),
        ("nothing", Vec::new()),
    ];
    let doors = [
        (Method::POST, "/caldav/accounts".to_owned()),
        (Method::PATCH, "/caldav/accounts/cda_none".to_owned()),
        (Method::POST, "/mappings".to_owned()),
        (Method::POST, format!("/mappings/{id}/cleanup")),
        (Method::POST, "/sync".to_owned()),
        (Method::POST, "/runs/run_none/undo".to_owned()),
        (Method::POST, "/conflicts/none".to_owned()),
        (Method::POST, "/held/none".to_owned()),
        (Method::PUT, "/settings".to_owned()),
    ];
    let before = site.get("/settings").await.text;
    for (method, path) in &doors {
        for (name, body) in &bodies {
            // A body that is left out is no fault everywhere; a trigger without one means all.
            if *name == "nothing" && path == "/sync" {
                continue;
            }
            let request = site
                .keyed(method.clone(), path)
                .header("content-type", "application/json");
            // The server may hang up on a body that it does not want to read to its end.
            let Ok(answer) = request.body(body.clone()).send().await else {
                continue;
            };
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            assert!(
                (400..500).contains(&status),
                "{method} {path} {name}: {status} {text}"
            );
            assert!(text.len() < 1_000_000, "{method} {path} {name}");
        }
        let packed = site
            .keyed(method.clone(), path)
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
        let status = Answer::of(packed).await.status.as_u16();
        assert!((400..500).contains(&status), "{method} {path}: {status}");
    }
    assert_eq!(site.get("/settings").await.text, before);
    assert_eq!(
        site.get("/mappings").await.json()["mappings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_made_to_hurt_are_refused() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    let token = site.page(&cookie, "/ui/caldav/new").await.token();
    let token = format!(
        "csrf={}",
        url::form_urlencoded::byte_serialize(token.as_bytes()).collect::<String>()
    );
    let long = "x".repeat(15_000);
    let forms = [
        format!("{token}&{}", "a=1&".repeat(3000)),
        format!("{token}&base_url={long}&username=a&password=b"),
        format!(
            "{token}&base_url=http://127.0.0.1:1/&username={}&password=b",
            "u".repeat(5000)
        ),
        format!("{token}&base_url=http://127.0.0.1:1/&username=a%0d%0ab&password=b"),
        format!("{token}&base_url=http://127.0.0.1:1/&username=%00&password=b"),
        format!("{token}&base_url=%ff%fe&username=%ff&password=%ff"),
        format!("{token}&base_url=javascript:alert(1)&username=a&password=b"),
        format!("{token}&base_url=file:///etc/passwd&username=a&password=b"),
        format!(
            "{token}&name={}&base_url=http://127.0.0.1:1/&username=a&password=b",
            "n".repeat(5000)
        ),
        format!("{token}&%=%&=&&&==&%%%"),
        "csrf=".to_owned(),
        "csrf=%00".to_owned(),
        token.replace("csrf", "CSRF"),
        "x".repeat(1_000_000),
    ];
    for form in forms {
        let request = site
            .bare(Method::POST, "/ui/caldav/new")
            .header("cookie", &cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.clone());
        let Ok(answer) = request.send().await else {
            continue;
        };
        let status = answer.status().as_u16();
        assert!(
            (400..500).contains(&status),
            "{status}: {}",
            &form[..form.len().min(200)]
        );
    }
    for kind in [
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/json",
        "",
    ] {
        let request = site
            .bare(Method::POST, "/ui/caldav/new")
            .header("cookie", &cookie)
            .header("content-type", kind)
            .body(token.clone());
        assert_eq!(Answer::of(request).await.status, 415, "{kind}");
    }
    for body in [
        "key=".to_owned() + &"k".repeat(5000),
        "key=%ff%00".to_owned(),
        "&".repeat(2000),
    ] {
        let request = site
            .bare(Method::POST, "/ui/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let status = Answer::of(request).await.status.as_u16();
        assert!((400..500).contains(&status), "{status}");
    }
    assert_eq!(
        site.get("/caldav/accounts").await.json(),
        json!({ "accounts": [] })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_one_line_of_a_length_that_people_type() {
    let site = Site::new().await;
    let good = json!({
        "name": "Home", "base_url": site.caldav.url(), "username": "alice", "password": "alicepw",
    });
    for (field, value) in [
        ("name", "n".repeat(201)),
        ("name", "two\r\nlines".to_owned()),
        ("name", "a\0b".to_owned()),
        (
            "base_url",
            format!("{}{}", site.caldav.url(), "x".repeat(2000)),
        ),
        ("username", "u".repeat(501)),
        ("username", "alice\r\nX-Evil: 1".to_owned()),
        ("password", "p".repeat(2001)),
        ("password", "a\nb".to_owned()),
    ] {
        let mut body = good.clone();
        body[field] = json!(value);
        let problem = site
            .post("/caldav/accounts", body)
            .await
            .problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert!(!problem.to_string().contains(&value), "{problem}");
    }
    // Odd letters are letters.
    let mut odd = good.clone();
    odd["name"] = json!("Zu\u{301}hause \u{202e}\u{1f3e0} <b>");
    let made = site.post("/caldav/accounts", odd).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let change = json!({ "name": "n".repeat(201) });
    let request = site
        .keyed(Method::PATCH, &format!("/caldav/accounts/{id}"))
        .json(&change);
    Answer::of(request).await.problem(422, "invalid");
}
