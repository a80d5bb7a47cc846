//! The real servers start, hold what they are given, and are gone with their handle.

use testkit::{Radicale, RawDav, Sabre, Xandikos};

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n\
    UID:one\r\nDTSTAMP:20261201T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n\
    SUMMARY:One\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

async fn round_trip(dav: &RawDav, calendar: &str) {
    dav.mkcalendar(calendar, "Work").await;
    assert!(dav.list(calendar).await.is_empty());
    let path = format!("{calendar}one.ics");
    let put = dav.put(&path, EVENT).await;
    assert_eq!(put.status, 201);
    let listed = dav.list(calendar).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].etag.as_deref(), put.etag());
    assert!(dav.objects(calendar).await[0].contains("SUMMARY:One"));
    dav.delete(&path).await;
    assert!(dav.get(&path).await.is_none());
}

#[tokio::test]
async fn radicale_serves_two_users_and_survives_a_restart() {
    let mut server = Radicale::start();
    let dav = server.dav("alice");
    let work = server.calendar_path("alice", "work");
    round_trip(&dav, &work).await;
    dav.put(&format!("{work}two.ics"), EVENT).await;

    let stranger = server
        .dav("bob")
        .request("PROPFIND", &work, &[("depth", "0")], "")
        .await;
    assert_eq!(stranger.status, 403);

    server.stop();
    assert!(dav.try_request("GET", "/", &[], "").await.is_err());
    server.restart();
    assert_eq!(dav.list(&work).await.len(), 1);
}

#[tokio::test]
async fn xandikos_serves_two_users() {
    let server = Xandikos::start();
    let dav = server.dav("alice");
    // The first login makes the user's home.
    let principal = dav.request("PROPFIND", "/", &[("depth", "0")], "").await;
    assert_eq!(principal.status, 207);
    round_trip(&dav, &server.calendar_path("alice", "work")).await;
    let default = server.calendar_path("bob", "calendar");
    let bob = server
        .dav("bob")
        .request("PROPFIND", &default, &[("depth", "0")], "")
        .await;
    assert_eq!(bob.status, 207, "{}", bob.body);
    let wrong = RawDav::new(&server.url(), "alice", "wrong");
    assert_eq!(wrong.request("PROPFIND", "/", &[], "").await.status, 401);
}

#[tokio::test]
async fn sabre_serves_two_users_and_survives_a_restart() {
    let Some(mut server) = Sabre::if_installed() else {
        return;
    };
    let dav = server.dav("alice");
    let work = server.calendar_path("alice", "work");
    round_trip(&dav, &work).await;
    dav.put(&format!("{work}two.ics"), EVENT).await;
    let wrong = RawDav::new(&server.url(), "alice", "wrong");
    assert_eq!(wrong.request("PROPFIND", "/", &[], "").await.status, 401);
    server.stop();
    server.restart();
    assert_eq!(dav.list(&work).await.len(), 1);
}
