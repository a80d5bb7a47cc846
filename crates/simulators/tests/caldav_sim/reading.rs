//! Quirks of discovery, listings and reports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use simulators::caldav::{
    CaldavSim, CaldavSimConfig, CollectionItself, HrefEscape, MissingHref, Nresults, Quirks,
    SyncData, TimeRange, TokenAnswer, TokenForm,
};
use testkit::RawDav;

use crate::support::{WORK, event, multiget, responses, start, sync, token};

#[tokio::test]
async fn refused_tokens_come_in_every_spelling() {
    let (sim, dav) = start(Quirks::default());
    sim.put("alice", "work", "a.ics", &event("1"));
    sim.put("alice", "work", "b.ics", &event("2"));
    sim.delete("alice", "work", "b.ics");
    for code in [403, 409, 412, 400, 415, 501, 507] {
        sim.update_quirks(|q| q.bogus_token = TokenAnswer::Status(code));
        let answer = sync(&dav, "nonsense", "").await;
        assert_eq!(answer.status, code);
        assert!(answer.body.contains("valid-sync-token"));
    }
    sim.update_quirks(|q| q.token_refusal_without_condition = true);
    assert_eq!(sync(&dav, "nonsense", "").await.body, "");
    for (answer, count) in [
        (TokenAnswer::FullList, 1),
        (TokenAnswer::FullListWithTombstones, 2),
        (TokenAnswer::EmptyList, 0),
    ] {
        sim.update_quirks(|q| q.bogus_token = answer);
        let list = sync(&dav, "nonsense", "").await;
        assert_eq!((list.status, responses(&list)), (207, count));
    }

    // A restored backup: the client's token is newer than the server.
    let backup = sim.backup();
    sim.put("alice", "work", "c.ics", &event("3"));
    let newer = token(&sync(&dav, "", "").await);
    sim.restore(backup);
    assert_eq!(sync(&dav, &newer, "").await.status, 403);
    sim.update_quirks(|q| q.future_token = TokenAnswer::EmptyList);
    let empty = sync(&dav, &newer, "").await;
    assert_eq!((empty.status, responses(&empty)), (207, 0));

    sim.update_quirks(|q| q.no_sync_collection = true);
    let refused = sync(&dav, "", "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("supported-report"));
}

#[tokio::test]
async fn sync_reports_differ() {
    let second = Arc::new(AtomicI64::new(1_800_000_000));
    let clock = Arc::clone(&second);
    let sim = CaldavSim::start(CaldavSimConfig {
        clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()),
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    for n in ["1", "2", "3"] {
        sim.put("alice", "work", &format!("{n}.ics"), &event(n));
    }
    sim.delete("alice", "work", "3.ics");

    for (form, starts) in [(TokenForm::Bare, "sim"), (TokenForm::Path, "/sync/?token=")] {
        sim.update_quirks(|q| q.token_form = form);
        let first = token(&sync(&dav, "", "").await);
        assert!(first.starts_with(starts));
        assert_eq!(responses(&sync(&dav, &first, "").await), 0);
    }
    sim.update_quirks(|q| q.token_form = TokenForm::UnixSeconds);
    let first = sync(&dav, "", "").await;
    assert_eq!(token(&first), "1800000000");
    assert_eq!(
        responses(&sync(&dav, "1800000000", "").await),
        3,
        "the same second again"
    );
    second.fetch_add(1, Ordering::SeqCst);
    assert_eq!(responses(&sync(&dav, "1800000001", "").await), 0);
    assert_eq!(sync(&dav, "1800000005", "").await.status, 403);

    sim.update_quirks(|q| *q = Quirks::default());
    let limit = "<d:limit><d:nresults>1</d:nresults></d:limit>";
    assert!(sync(&dav, "", limit).await.body.contains("507"));
    sim.update_quirks(|q| q.nresults = Nresults::Ignored);
    assert_eq!(responses(&sync(&dav, "", limit).await), 2);
    sim.update_quirks(|q| q.nresults = Nresults::TruncatesSilently);
    let cut = sync(&dav, "", limit).await;
    assert_eq!(responses(&cut), 1);
    assert_eq!(
        responses(&sync(&dav, &token(&cut), limit).await),
        0,
        "the rest is lost"
    );

    sim.update_quirks(|q| {
        *q = Quirks {
            sync_page_size: Some(1),
            ..Quirks::default()
        }
    });
    assert!(sync(&dav, "", "").await.body.contains("507"));
    sim.update_quirks(|q| {
        *q = Quirks {
            list_cap: Some(1),
            ..Quirks::default()
        }
    });
    assert_eq!(responses(&sync(&dav, "", "").await), 1);
    assert_eq!(dav.list(WORK).await.len(), 1);
    sim.update_quirks(|q| {
        *q = Quirks {
            sync_initial_tombstones: true,
            ..Quirks::default()
        }
    });
    assert_eq!(responses(&sync(&dav, "", "").await), 3);

    sim.update_quirks(|q| {
        *q = Quirks {
            sync_data: SyncData::NotFound,
            ..Quirks::default()
        }
    });
    let body = sync(&dav, "", "").await.body;
    assert!(
        body.contains("<cal:calendar-data/>") && body.contains("404 Not Found"),
        "{body}"
    );
    sim.update_quirks(|q| q.sync_data = SyncData::LeftOut);
    assert!(!sync(&dav, "", "").await.body.contains("calendar-data/>"));
    sim.update_quirks(|q| q.sync_lists_collection = CollectionItself::WithoutSlash);
    assert!(
        sync(&dav, "", "")
            .await
            .body
            .contains("<d:href>/dav/calendars/alice/work</d:href>")
    );

    sim.update_quirks(|q| *q = Quirks::default());
    let before = token(&sync(&dav, "", "").await);
    sim.put("alice", "work", "short.ics", &event("9"));
    sim.delete("alice", "work", "short.ics");
    assert_eq!(responses(&sync(&dav, &before, "").await), 1);
    sim.update_quirks(|q| q.sync_hides_short_lived = true);
    assert_eq!(responses(&sync(&dav, &before, "").await), 0);
    sim.update_quirks(|q| q.empty_token_refused = true);
    assert_eq!(sync(&dav, "", "").await.status, 403);
}

#[tokio::test]
async fn listings_and_multiget_differ() {
    let (sim, dav) = start(Quirks::default());
    for (name, uid) in [("a@b.ics", "1"), ("c:d.ics", "2"), ("ä.ics", "3")] {
        sim.put("alice", "work", name, &event(uid));
    }
    let hrefs = async || {
        let listed = dav.list(WORK).await;
        let names: Vec<String> = listed.iter().map(|l| l.href.replace(WORK, "")).collect();
        names.join(" ")
    };
    assert_eq!(hrefs().await, "%C3%A4.ics a@b.ics c:d.ics");
    sim.update_quirks(|q| q.href_escape = HrefEscape::LowerCase);
    assert_eq!(hrefs().await, "%c3%a4.ics a@b.ics c:d.ics");
    sim.update_quirks(|q| q.href_escape = HrefEscape::EscapeAt);
    assert_eq!(hrefs().await, "%C3%A4.ics a%40b.ics c%3Ad.ics");
    sim.update_quirks(|q| {
        *q = Quirks {
            absolute_hrefs: true,
            ..Quirks::default()
        }
    });
    assert!(hrefs().await.starts_with("http://127.0.0.1:"));
    sim.update_quirks(|q| {
        *q = Quirks {
            lists_escaped_names_twice: true,
            ..Quirks::default()
        }
    });
    assert_eq!(dav.list(WORK).await.len(), 6);
    sim.update_quirks(|q| {
        *q = Quirks {
            empty_href_for_colon: true,
            ..Quirks::default()
        }
    });
    assert_eq!(hrefs().await.split_whitespace().count(), 2);
    sim.update_quirks(|q| {
        *q = Quirks {
            unlisted: vec!["ä.ics".into()],
            ..Quirks::default()
        }
    });
    assert_eq!(dav.list(WORK).await.len(), 2);
    sim.update_quirks(|q| {
        *q = Quirks {
            no_etags: true,
            ..Quirks::default()
        }
    });
    assert!(dav.list(WORK).await.iter().all(|l| l.etag.is_none()));

    for (how, status, count) in [
        (MissingHref::NotFound, 207, 2),
        (MissingHref::Omitted, 207, 1),
        (MissingHref::FailsWhole, 404, 0),
    ] {
        sim.update_quirks(|q| {
            *q = Quirks {
                multiget_missing: how,
                ..Quirks::default()
            }
        });
        let answer = multiget(&dav, &["a@b.ics", "none.ics"]).await;
        assert_eq!(answer.status, status);
        if status == 207 {
            assert_eq!(responses(&answer), count);
        }
    }
    sim.update_quirks(|q| {
        *q = Quirks {
            multiget_cap: Some(1),
            ..Quirks::default()
        }
    });
    assert_eq!(responses(&multiget(&dav, &["a@b.ics", "c:d.ics"]).await), 1);
    sim.update_quirks(|q| {
        *q = Quirks {
            multiget_empty_hrefs: true,
            ..Quirks::default()
        }
    });
    assert!(
        multiget(&dav, &["a@b.ics"])
            .await
            .body
            .contains("<d:href/>")
    );
    let unreadable = BTreeMap::from([("a@b.ics".to_owned(), 404)]);
    sim.update_quirks(|q| {
        *q = Quirks {
            unreadable,
            ..Quirks::default()
        }
    });
    assert!(multiget(&dav, &["a@b.ics"]).await.body.contains("404"));
    assert!(dav.get(&format!("{WORK}a@b.ics")).await.is_none());
    assert_eq!(dav.list(WORK).await.len(), 3);

    let query = "<c:calendar-query xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop/><c:filter>\
        <c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\"><c:time-range start=\"20300101T000000Z\"/>\
        </c:comp-filter></c:comp-filter></c:filter></c:calendar-query>";
    let depth = [("depth", "1")];
    for (how, count) in [
        (TimeRange::Loose, 0),
        (TimeRange::Ignored, 3),
        (TimeRange::OpenGivesNothing, 0),
    ] {
        sim.update_quirks(|q| {
            *q = Quirks {
                time_range: how,
                ..Quirks::default()
            }
        });
        assert_eq!(
            responses(&dav.request("REPORT", WORK, &depth, query).await),
            count,
            "{how:?}"
        );
    }
}

#[tokio::test]
async fn discovery_differs() {
    let (sim, dav) = start(Quirks {
        well_known_target: Some("http://127.0.0.1:1/elsewhere".into()),
        redirects: BTreeMap::from([("/old".to_owned(), "/dav".to_owned())]),
        root_propfind_status: Some(405),
        home_base_url: Some("http://p42.example.org/homes/".into()),
        missing_collection_207: true,
        auto_schedule: true,
        home_lists_extras: true,
        inbox_typed_as_calendar: true,
        ..Quirks::default()
    });
    let depth = [("depth", "0")];
    let known = dav.request("GET", "/.well-known/caldav", &[], "").await;
    assert_eq!(
        known.header("location"),
        Some("http://127.0.0.1:1/elsewhere")
    );
    let old = dav.request("PROPFIND", "/old/x/", &depth, "").await;
    assert_eq!((old.status, old.header("location")), (302, Some("/dav/x/")));
    assert_eq!(dav.request("PROPFIND", "/", &depth, "").await.status, 405);
    let principal = dav
        .request("PROPFIND", "/dav/principals/alice/", &depth, "")
        .await;
    assert!(
        principal
            .body
            .contains("http://p42.example.org/homes/alice/")
    );
    assert!(
        principal
            .header("dav")
            .unwrap()
            .contains("calendar-auto-schedule")
    );
    let missing = dav
        .request("PROPFIND", "/dav/calendars/alice/no/", &depth, "")
        .await;
    assert_eq!(missing.status, 207);
    assert!(missing.body.contains("404 Not Found") && missing.body.contains("<d:href>http://"));
    let home = dav
        .request("PROPFIND", "/dav/calendars/alice/", &[("depth", "1")], "")
        .await;
    assert_eq!(responses(&home), 6);
    assert_eq!(home.body.matches("<cal:calendar/>").count(), 2);
    assert_eq!(
        dav.request("PROPFIND", "/dav/calendars/bob/", &depth, "")
            .await
            .status,
        403
    );

    sim.update_quirks(|q| {
        *q = Quirks {
            unauthenticated_propfind_207: true,
            lower_case_challenge: true,
            ..Quirks::default()
        }
    });
    let method = reqwest::Method::from_bytes(b"PROPFIND").unwrap();
    let bare = reqwest::Client::new();
    let answer = bare
        .request(method, format!("{}/dav/", sim.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 207);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("<d:unauthenticated/>")
    );
    let answer = bare
        .get(format!("{}{WORK}", sim.url()))
        .send()
        .await
        .unwrap();
    assert!(
        answer.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("basic ")
    );
}

#[tokio::test]
async fn properties_can_be_missing() {
    let (sim, dav) = start(Quirks::default());
    sim.put("alice", "work", "a.ics", &event("1"));
    let all = async || {
        let calendar = dav.request("PROPFIND", WORK, &[("depth", "1")], "").await;
        assert_eq!(calendar.status, 207);
        calendar.body
    };
    let usual = all().await;
    let off = Quirks::default;
    let switches = [
        (
            "cs:getctag",
            Quirks {
                no_getctag: true,
                ..off()
            },
        ),
        (
            "d:sync-token",
            Quirks {
                no_sync_token_property: true,
                ..off()
            },
        ),
        (
            "cal:comp name",
            Quirks {
                no_component_set: true,
                ..off()
            },
        ),
        (
            "d:current-user-privilege-set",
            Quirks {
                no_privilege_set: true,
                ..off()
            },
        ),
        (
            "d:getcontenttype",
            Quirks {
                no_content_type: true,
                ..off()
            },
        ),
        (
            "d:sync-collection",
            Quirks {
                no_sync_collection: true,
                ..off()
            },
        ),
    ];
    for (tag, quirks) in switches {
        assert!(usual.contains(tag), "{tag} in {usual}");
        sim.update_quirks(|q| *q = quirks);
        assert!(!all().await.contains(tag), "{tag}");
    }
    sim.update_quirks(|q| {
        *q = Quirks {
            sync_collection_status: Some(501),
            no_well_known: true,
            no_keep_alive: true,
            time_range_required: true,
            status_beside_propstat: true,
            ..Quirks::default()
        };
    });
    assert_eq!(sync(&dav, "", "").await.status, 501);
    let known = dav.request("GET", "/.well-known/caldav", &[], "").await;
    assert_eq!(known.status, 404);
    let query = "<c:calendar-query xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><c:filter>\
        <c:comp-filter name=\"VCALENDAR\"/></c:filter></c:calendar-query>";
    let refused = dav.request("REPORT", WORK, &[("depth", "1")], query).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("connection"), Some("close"));
    assert!(all().await.contains("</d:href><d:status>"));
}

#[tokio::test]
async fn a_recurring_event_may_be_missed_by_a_time_range() {
    let (sim, dav) = start(Quirks::default());
    let series = event("1").replace("ATTENDEE", "RRULE:FREQ=DAILY\r\nATTENDEE");
    sim.put("alice", "work", "a.ics", &series);
    let query = "<c:calendar-query xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop/><c:filter>\
        <c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\"><c:time-range start=\"20270101T000000Z\" \
        end=\"20270201T000000Z\"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>";
    for (how, count) in [(TimeRange::Loose, 1), (TimeRange::MissesRecurring, 0)] {
        sim.update_quirks(|q| q.time_range = how);
        let found = dav.request("REPORT", WORK, &[("depth", "1")], query).await;
        assert_eq!(responses(&found), count, "{how:?}");
    }
}
