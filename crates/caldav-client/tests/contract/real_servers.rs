//! The same contract against real servers.

use caldav_client::Account;
use sync_engine::model::time::Timestamp;
use sync_engine::observation::Seen;
use sync_engine::ports::{SidePort as _, Written};
use testkit::{CountingProxy, Radicale, RawDav, Xandikos};

use crate::common::{
    account, account_with, create, done, everything, fetched, ics, kind, lines, names, now,
    observed, removal, retitle, said, series, stale, title, work,
};

const MKCALENDAR: &str = r#"<?xml version="1.0"?><C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><set><prop><displayname>Work</displayname><A:calendar-color>#2952A3FF</A:calendar-color><C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></prop></set></C:mkcalendar>"#;

async fn contract(url: &str, dav: &RawDav, path: &str) {
    let _ = dav
        .try_request(
            "MKCALENDAR",
            path,
            &[("content-type", "application/xml")],
            MKCALENDAR,
        )
        .await
        .unwrap()
        .expect(&[201]);
    let put = async |name: &str, text: String| {
        let _ = dav
            .try_request(
                "PUT",
                &format!("{path}{name}"),
                &[("content-type", "text/calendar; charset=utf-8")],
                &text,
            )
            .await
            .unwrap()
            .expect(&[201, 204]);
    };
    for at in 0..6 {
        put(
            &format!("e{at}.ics"),
            ics(&format!("e{at}"), &format!("Event {at}")),
        )
        .await;
    }
    let proxy = CountingProxy::start(url);
    let account = account(proxy.url());

    // Discovery.
    let facts = work(&account).await;
    assert_eq!(
        (facts.name.as_str(), facts.color.as_deref()),
        ("Work", Some("#2952a3"))
    );
    assert!(facts.writable);
    let calendar = account.open(&facts, now()).unwrap();

    // Listing and multiget.
    let first = calendar.list(None).await.unwrap();
    assert!(first.complete);
    assert_eq!(first.items.len(), 6);
    proxy.clear_log();
    let seen = fetched(&calendar, &first).await;
    assert!(
        seen.values().all(|seen| kind(seen) == "present"),
        "{seen:?}"
    );
    assert_eq!(proxy.total(), 1, "{:?}", proxy.counts());
    for (name, version) in lines(&first) {
        assert_eq!(seen[&name].etag().unwrap().as_str(), version);
    }

    // Nothing changed: one question.
    proxy.clear_log();
    let quiet = calendar.list(first.cursor.as_ref()).await.unwrap();
    assert!(quiet.items.is_empty() && !quiet.complete);
    assert_eq!(proxy.total(), 1, "{:?}", proxy.counts());

    // Changed and deleted by somebody else.
    put("e1.ics", ics("e1", "Changed")).await;
    put("new.ics", ics("new", "New")).await;
    let _ = dav
        .try_request("DELETE", &format!("{path}e0.ics"), &[], "")
        .await
        .unwrap()
        .expect(&[200, 204]);
    let changes = calendar.list(quiet.cursor.as_ref()).await.unwrap();
    assert!(!changes.complete);
    assert_eq!(names(&changes), ["e0.ics", "e1.ics", "new.ics"]);
    assert_eq!(lines(&changes)["e0.ics"], "gone");

    // Created by us, under conditions.
    let wanted = create("source@example.com", "Tea & Cake, ümlaut");
    let made = done(calendar.create(&wanted).await.unwrap());
    assert_eq!(said(&made), &series("Tea & Cake, ümlaut"));
    assert!(made.tag.as_ref().unwrap().proves_caldav(&made.uid));
    assert!(matches!(
        calendar.create(&wanted).await.unwrap(),
        Written::Taken { used_up: false, now } if matches!(*now, Seen::Present(_))
    ));
    let ours = calendar.list(changes.cursor.as_ref()).await.unwrap();
    assert_eq!(
        lines(&ours)[&wanted.tag.caldav_name()],
        made.etag.as_ref().unwrap().as_str(),
        "our own echo is known already"
    );

    // Changed by us; an old version is stale.
    let changed = done(calendar.update(&retitle(&made, "Coffee")).await.unwrap());
    assert_eq!(title(&changed), "Coffee");
    let now_there = stale(calendar.update(&retitle(&made, "Late")).await.unwrap());
    assert!(matches!(now_there, Seen::Present(now) if title(&now) == "Coffee"));
    assert_eq!(
        kind(&stale(calendar.remove(&removal(&made)).await.unwrap())),
        "present"
    );

    // A foreign event, edited in place.
    let theirs = observed(&calendar, "e2.ics").await;
    let edited = done(
        calendar
            .update(&retitle(&theirs, "Ours now"))
            .await
            .unwrap(),
    );
    assert_eq!(edited.uid.as_str(), "e2");

    // Removed by us.
    assert_eq!(
        calendar.remove(&removal(&changed)).await.unwrap(),
        Written::Removed
    );
    assert_eq!(
        calendar.remove(&removal(&changed)).await.unwrap(),
        Written::Removed
    );
    assert_eq!(everything(&calendar).await.len(), 6);

    // A token that the server never gave.
    let bogus = ours
        .cursor
        .unwrap()
        .as_str()
        .replace("\"token\":\"", "\"token\":\"http://bogus/");
    let complete = calendar
        .list(Some(&sync_engine::model::Cursor::new(bogus)))
        .await
        .unwrap();
    assert!(complete.complete && complete.items.len() == 6);
    assert!(
        !calendar
            .list(complete.cursor.as_ref())
            .await
            .unwrap()
            .complete
    );

    // The UID of a copy that a person has moved to another name.
    let wanted = create("moved@example.com", "Moved");
    done(calendar.create(&wanted).await.unwrap());
    let from = format!("{path}{}", wanted.tag.caldav_name());
    let text = dav.try_request("GET", &from, &[], "").await.unwrap().body;
    let _ = dav
        .try_request("DELETE", &from, &[], "")
        .await
        .unwrap()
        .expect(&[200, 204]);
    put("moved.ics", text).await;
    assert!(matches!(
        calendar.create(&wanted).await.unwrap(),
        Written::Taken { .. }
    ));

    wrong_password(url).await;
    gone(&account, dav, path, now()).await;
}

async fn wrong_password(url: &str) {
    let error = account_with(url, "wrong", caldav_client::Profile::default())
        .discover()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "caldav_unauthorized");
}

async fn gone(account: &Account, dav: &RawDav, path: &str, now: Timestamp) {
    let facts = work(account).await;
    let calendar = account.open(&facts, now).unwrap();
    let listing = calendar.list(None).await.unwrap();
    let _ = dav
        .try_request("DELETE", path, &[], "")
        .await
        .unwrap()
        .expect(&[200, 204]);
    for cursor in [None, listing.cursor.as_ref()] {
        assert_eq!(
            calendar.list(cursor).await.unwrap_err().code,
            "calendar_gone"
        );
    }
}

#[tokio::test]
async fn radicale() {
    let server = Radicale::start();
    let path = server.calendar_path("alice", "work");
    contract(&server.url(), &server.dav("alice"), &path).await;
}

#[tokio::test]
async fn xandikos() {
    let server = Xandikos::start();
    let path = server.calendar_path("alice", "work");
    contract(&server.url(), &server.dav("alice"), &path).await;
}
