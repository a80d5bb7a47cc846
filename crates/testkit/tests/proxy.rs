//! The proxy forwards faithfully, counts, and makes exactly the trouble it was told to.

use testkit::{CountingProxy, Radicale, RawDav, Rule, Trouble};

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n\
    UID:one\r\nDTSTAMP:20261201T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn it_counts_and_makes_trouble_before_a_real_server() {
    let server = Radicale::start();
    let proxy = CountingProxy::start(&server.url());
    let behind = server.dav("alice");
    let dav = RawDav::new(proxy.url(), "alice", "alicepw");
    let work = server.calendar_path("alice", "work");
    let path = format!("{work}a%40b.ics");

    dav.mkcalendar(&work, "Work").await;
    dav.put(&path, EVENT).await;
    assert_eq!(
        dav.list(&work).await,
        behind.list(&work).await,
        "hrefs stay valid"
    );
    assert_eq!(dav.list(&work).await[0].href, path);
    assert_eq!(proxy.counts()["PUT"], 1);
    assert_eq!((proxy.total(), proxy.writes()), (4, 2));
    assert_eq!(proxy.log()[1].path, path);

    let wrong = RawDav::new(proxy.url(), "alice", "wrong");
    assert_eq!(wrong.request("PROPFIND", &work, &[], "").await.status, 401);
    let head = dav.request("HEAD", &path, &[], "").await;
    assert_eq!(head.status, 200);

    let two = format!("{work}two.ics");
    let event = EVENT.replace("UID:one", "UID:two");
    proxy.clear_log();
    proxy.add(Rule::on("PUT", Trouble::Reset));
    assert!(dav.try_request("PUT", &two, &[], &event).await.is_err());
    assert!(behind.get(&two).await.is_none());
    proxy.add(Rule::on("PUT", Trouble::DropAnswer));
    assert!(dav.try_request("PUT", &two, &[], &event).await.is_err());
    assert!(
        behind.get(&two).await.is_some(),
        "the answer is lost, not the event"
    );

    proxy.add(Rule::on("DELETE", Trouble::too_many(7)));
    let busy = dav.request("DELETE", &two, &[], "").await;
    assert_eq!((busy.status, busy.header("retry-after")), (429, Some("7")));
    let lie = Trouble::Replace {
        status: 500,
        retry_after: None,
    };
    proxy.add(Rule::on("DELETE", lie).path("two"));
    assert_eq!(dav.request("DELETE", &two, &[], "").await.status, 500);
    assert!(behind.get(&two).await.is_none());
    proxy.add(Rule::on("GET", Trouble::CutBody { bytes: 20 }));
    assert!(dav.try_request("GET", &path, &[], "").await.is_err());
    proxy.add(
        Rule::on("*", Trouble::refuse(503))
            .body("propfind")
            .times(2),
    );
    for status in [503, 503, 207] {
        let answer = dav
            .request(
                "PROPFIND",
                &work,
                &[("depth", "0")],
                "<propfind xmlns=\"DAV:\"><allprop/></propfind>",
            )
            .await;
        assert_eq!(answer.status, status);
    }
    let log = proxy.log();
    let seen: Vec<(u16, bool)> = log.iter().map(|r| (r.status, r.forwarded)).collect();
    assert_eq!(
        seen,
        [
            (0, false),
            (0, true),
            (429, false),
            (500, true),
            (200, true),
            (503, false),
            (503, false),
            (207, true)
        ]
    );
}

#[tokio::test]
async fn a_dead_server_is_a_bad_gateway() {
    let mut server = Radicale::start();
    let proxy = CountingProxy::start(&server.url());
    server.stop();
    let dav = RawDav::new(proxy.url(), "alice", "alicepw");
    assert_eq!(dav.request("GET", "/", &[], "").await.status, 502);
}

#[tokio::test]
async fn trouble_by_chance_ends_when_told() {
    let server = Radicale::start();
    let proxy = CountingProxy::start(&server.url());
    let dav = RawDav::new(proxy.url(), "alice", "alicepw");
    let work = server.calendar_path("alice", "work");
    dav.mkcalendar(&work, "Work").await;
    proxy.clear_log();
    proxy.faults(4, 500);
    for _ in 0..40 {
        dav.try_request("PROPFIND", &work, &[("depth", "0")], "")
            .await
            .ok();
    }
    let log = proxy.log();
    assert!(
        log.iter()
            .any(|request| request.troubled && !request.forwarded)
    );
    assert!(
        log.iter()
            .any(|request| request.troubled && request.forwarded)
    );
    assert!(log.iter().any(|request| !request.troubled));
    proxy.quiet();
    proxy.clear_log();
    for _ in 0..10 {
        assert!(dav.list(&work).await.is_empty());
    }
    assert!(proxy.log().iter().all(|request| !request.troubled));
}
