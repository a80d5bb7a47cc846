//! The browser opens pages, fills forms and tells what it saw.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use testkit::Chromium;

const PAGE: &str = "<!doctype html><title>A form</title><h1>Hello</h1>\
    <form action=/done><input name=n value=old><select name=s><option>One<option> Two </select>\
    <button>Go</button></form><script>console.log('said ' + 1)</script>";

/// A server for one page: echoes the request's target as the heading of any other.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A thread each: browsers open connections ahead of their need.
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) {
    let mut head = [0; 2048];
    let read = stream.read(&mut head).unwrap_or(0);
    let text = String::from_utf8_lossy(&head[..read]);
    let target = text.split(' ').nth(1).unwrap_or("").to_owned();
    let page = if target == "/" {
        PAGE.to_owned()
    } else {
        format!("<h1>{target}</h1>")
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(answer.as_bytes()).ok();
}

#[tokio::test]
async fn it_drives_a_page() {
    let url = serve();
    let browser = Chromium::start().await;
    browser.goto(&url).await;
    assert_eq!(browser.title().await, "A form");
    assert_eq!(browser.text("h1").await, "Hello");
    assert!(
        browser
            .console()
            .await
            .iter()
            .any(|line| line.contains("said 1"))
    );
    assert_eq!(
        browser
            .execute("return arguments[0] + 1", &[2.into()])
            .await,
        3
    );
    browser.type_into("input", "new & old").await;
    browser.select("select", "Two").await;
    assert_eq!(browser.count("option").await, 2);
    let folder = tempfile::tempdir().unwrap();
    let shot = folder.path().join("page.png");
    browser.screenshot(&shot).await;
    assert!(std::fs::read(&shot).unwrap().starts_with(b"\x89PNG"));
    browser.click("button").await;
    browser.wait_for("h1").await;
    assert_eq!(browser.text("h1").await, "/done?n=new+%26+old&s=Two");
    assert!(browser.url().await.contains("/done?"));
    assert!(browser.source().await.contains("<h1>"));
}
