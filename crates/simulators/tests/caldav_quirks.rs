//! Each quirk and each fault of the CalDAV simulator does what its name says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use simulators::caldav::{
    CaldavSim, CaldavSimConfig, CollectionItself, Fault, FaultAction, HrefEscape, MissingHref,
    Nresults, Quirks, Rewrite, SyncData, Throttle, TimeRange, TokenAnswer, TokenForm, XmlMischief,
    XmlStyle,
};
use testkit::{Answer, RawDav};

const WORK: &str = "/dav/calendars/alice/work/";

fn start(quirks: Quirks) -> (CaldavSim, RawDav) {
    let sim = CaldavSim::start(CaldavSimConfig {
        quirks,
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    (sim, dav)
}

fn event(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261201T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n\
         ATTENDEE:mailto:x@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

async fn sync(dav: &RawDav, token: &str, more: &str) -> Answer {
    let body = format!(
        "<d:sync-collection xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\">\
         <d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>{more}\
         <d:prop><d:getetag/><c:calendar-data/></d:prop></d:sync-collection>"
    );
    dav.request("REPORT", WORK, &[], &body).await
}

async fn multiget(dav: &RawDav, names: &[&str]) -> Answer {
    let mut hrefs = String::new();
    for name in names {
        hrefs = hrefs + "<d:href>" + WORK + name + "</d:href>";
    }
    let body = format!(
        "<c:calendar-multiget xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop>\
         <c:calendar-data/></d:prop>{hrefs}</c:calendar-multiget>"
    );
    dav.request("REPORT", WORK, &[], &body).await
}

async fn put(dav: &RawDav, name: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    dav.request("PUT", &format!("{WORK}{name}"), headers, body)
        .await
}

fn responses(answer: &Answer) -> usize {
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    document
        .descendants()
        .filter(|n| n.has_tag_name(("DAV:", "response")))
        .count()
}

fn token(answer: &Answer) -> String {
    let start = answer.body.find("sync-token>").unwrap() + "sync-token>".len();
    answer.body[start..].split('<').next().unwrap().to_owned()
}

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
async fn writes_differ() {
    let (sim, dav) = start(Quirks {
        weak_etags: true,
        ..Quirks::default()
    });
    let weak = put(&dav, "a.ics", &[], &event("1")).await;
    assert!(weak.etag().unwrap().starts_with("W/\""));
    let refused = put(
        &dav,
        "a.ics",
        &[("if-match", weak.etag().unwrap())],
        &event("1"),
    )
    .await;
    assert_eq!(refused.status, 412, "weak tags do not match strongly");

    sim.update_quirks(|q| {
        *q = Quirks {
            no_etag_on_put: true,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "a.ics", &[], &event("1")).await.etag(), None);
    sim.update_quirks(|q| {
        *q = Quirks {
            etag_changes_on_identical_put: true,
            ..Quirks::default()
        }
    });
    let first = put(&dav, "a.ics", &[], &event("1")).await;
    let second = put(&dav, "a.ics", &[], &event("1")).await;
    assert_ne!(first.etag(), second.etag());

    sim.update_quirks(|q| *q = Quirks::like_sogo());
    let wild = put(&dav, "a.ics", &[("if-none-match", "*")], &event("1")).await;
    assert_eq!(wild.status, 204);
    assert_eq!(
        put(&dav, "a.ics", &[("if-match", "\"x\"")], &event("1"))
            .await
            .status,
        412
    );
    assert_eq!(
        put(&dav, "new.ics", &[("if-match", "\"x\"")], &event("7"))
            .await
            .status,
        201
    );
    let gone = dav
        .request(
            "DELETE",
            &format!("{WORK}new.ics"),
            &[("if-match", "\"x\"")],
            "",
        )
        .await;
    assert_eq!(gone.status, 204);
    sim.update_quirks(|q| q.ignores_if_match = true);
    assert_eq!(
        put(&dav, "a.ics", &[("if-match", "\"x\"")], &event("1"))
            .await
            .status,
        204
    );

    sim.update_quirks(|q| {
        *q = Quirks {
            rewrites: vec![Rewrite::ScheduleStatus],
            ..Quirks::default()
        }
    });
    let given = put(&dav, "r.ics", &[], &event("2")).await;
    let stored = dav.get(&format!("{WORK}r.ics")).await.unwrap();
    assert_eq!(
        given.etag(),
        stored.etag(),
        "an ETag that does not vouch for our bytes"
    );
    assert!(stored.body.contains("SCHEDULE-STATUS=1.1"));
    sim.update_quirks(|q| q.no_etag_when_rewritten = true);
    assert_eq!(put(&dav, "r.ics", &[], &event("2")).await.etag(), None);

    sim.update_quirks(|q| {
        *q = Quirks {
            swallows_puts: true,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "s.ics", &[], &event("3")).await.status, 201);
    assert!(dav.get(&format!("{WORK}s.ics")).await.is_none());

    for code in [409, 412] {
        sim.update_quirks(|q| {
            *q = Quirks {
                duplicate_uid_status: Some(code),
                ..Quirks::default()
            }
        });
        assert_eq!(put(&dav, "twin.ics", &[], &event("1")).await.status, code);
    }
    sim.update_quirks(|q| {
        *q = Quirks {
            duplicate_uid_status: None,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "twin.ics", &[], &event("1")).await.status, 201);
    sim.delete("alice", "work", "twin.ics");

    sim.create_calendar(
        "alice",
        simulators::caldav::CalendarSpec::new("other", "Other"),
    );
    sim.put("alice", "other", "o.ics", &event("42"));
    sim.update_quirks(|q| {
        *q = Quirks {
            uid_unique_per_user: true,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "42.ics", &[], &event("42")).await.status, 403);
    sim.update_quirks(|q| {
        *q = Quirks {
            uid_moves: true,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "42.ics", &[], &event("42")).await.status, 201);
    assert!(sim.objects("alice", "other").is_empty());
    sim.update_quirks(|q| {
        *q = Quirks {
            uid_trash: true,
            ..Quirks::default()
        }
    });
    sim.delete("alice", "work", "42.ics");
    assert_eq!(put(&dav, "43.ics", &[], &event("42")).await.status, 400);

    sim.update_quirks(|q| {
        *q = Quirks {
            invalid_body_status: None,
            ..Quirks::default()
        }
    });
    assert_eq!(put(&dav, "junk.ics", &[], "junk").await.status, 201);
    sim.update_quirks(|q| {
        *q = Quirks {
            delete_missing_status: 200,
            max_body_bytes: 100,
            ..Quirks::default()
        }
    });
    assert_eq!(
        dav.request("DELETE", &format!("{WORK}no.ics"), &[], "")
            .await
            .status,
        200
    );
    assert_eq!(put(&dav, "big.ics", &[], &event("8")).await.status, 413);
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
async fn the_wire_differs() {
    let (sim, dav) = start(Quirks::default());
    sim.put("alice", "work", "a.ics", &event("1"));
    let list = "<d:propfind xmlns:d=\"DAV:\"><d:prop><d:getetag/></d:prop></d:propfind>";
    let depth = [("depth", "1")];
    let usual = dav.request("PROPFIND", WORK, &depth, list).await.body;
    for style in [XmlStyle::DefaultNamespace, XmlStyle::Odd] {
        sim.update_quirks(|q| q.xml_style = style);
        assert_ne!(
            dav.request("PROPFIND", WORK, &depth, list).await.body,
            usual
        );
        assert_eq!(dav.list(WORK).await.len(), 1, "means the same");
    }
    for how in [
        XmlMischief::NotXml,
        XmlMischief::CutOff,
        XmlMischief::Doctype,
        XmlMischief::EntityBomb,
    ] {
        sim.update_quirks(|q| q.xml_mischief = Some(how));
        let answer = dav.request("PROPFIND", WORK, &depth, list).await;
        assert_eq!(answer.status, 207);
        assert!(roxmltree::Document::parse(&answer.body).is_err(), "{how:?}");
    }
    sim.update_quirks(|q| {
        *q = Quirks {
            refuses_chunked: true,
            ..Quirks::default()
        }
    });
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(
        event("2"),
    )]));
    let url = format!("{}{WORK}b.ics", sim.url());
    let chunked = reqwest::Client::new()
        .put(&url)
        .basic_auth("alice", Some("alicepw"))
        .body(stream);
    assert_eq!(chunked.send().await.unwrap().status(), 400);

    sim.update_quirks(|q| {
        *q = Quirks {
            gzip: true,
            gzip_etag_suffix: true,
            ..Quirks::default()
        }
    });
    let url = format!("{}{WORK}a.ics", sim.url());
    let request = reqwest::Client::builder()
        .gzip(false)
        .build()
        .unwrap()
        .get(&url);
    let packed = request
        .basic_auth("alice", Some("alicepw"))
        .header("accept-encoding", "gzip");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(
        packed.headers()["etag"]
            .to_str()
            .unwrap()
            .ends_with("-gzip\"")
    );
    // reqwest's own gzip, as our client uses it.
    assert_eq!(
        dav.get(&format!("{WORK}a.ics")).await.unwrap().body,
        event("1")
    );

    let throttle = Throttle {
        requests: 2,
        window_seconds: 3_000_000,
        status: 429,
        retry_after: Some("7".into()),
    };
    sim.update_quirks(|q| {
        *q = Quirks {
            throttle: Some(throttle),
            ..Quirks::default()
        }
    });
    for status in [207, 207, 429] {
        let answer = dav.request("PROPFIND", WORK, &[("depth", "0")], "").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("7"));
    }
}

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    let (sim, dav) = start(Quirks::default());
    let path = format!("{WORK}a.ics");
    let headers = [("if-none-match", "*")];
    sim.add_fault(Fault::on("PUT", FaultAction::Reset));
    assert!(
        dav.try_request("PUT", &path, &headers, &event("1"))
            .await
            .is_err()
    );
    assert!(sim.objects("alice", "work").is_empty());

    sim.add_fault(Fault::on("PUT", FaultAction::Reset).after());
    assert!(
        dav.try_request("PUT", &path, &headers, &event("1"))
            .await
            .is_err()
    );
    assert_eq!(
        sim.objects("alice", "work").len(),
        1,
        "the answer is lost, not the event"
    );
    assert_eq!(put(&dav, "a.ics", &headers, &event("1")).await.status, 412);

    sim.add_fault(Fault::on("GET", FaultAction::CutBody { bytes: 40 }).path("a.ics"));
    assert!(dav.try_request("GET", &path, &[], "").await.is_err());
    assert_eq!(dav.get(&path).await.unwrap().body, event("1"));

    let busy = FaultAction::Status {
        code: 503,
        retry_after: Some("3".into()),
        body: "busy".into(),
    };
    sim.add_fault(Fault::on("REPORT", busy).body("sync-collection").times(2));
    for status in [503, 503, 207] {
        assert_eq!(sync(&dav, "", "").await.status, status);
    }
    sim.add_fault(Fault::on("GET", FaultAction::Delay { millis: 30 }));
    let before = std::time::Instant::now();
    dav.get(&path).await.unwrap();
    assert!(before.elapsed().as_millis() >= 30);

    let log = sim.log();
    assert_eq!(log.iter().filter(|e| e.faulted).count(), 6);
    let first = log.first().unwrap();
    assert_eq!(
        (first.status, first.condition.as_deref()),
        (0, Some("If-None-Match: *"))
    );
    assert_eq!(sim.counts()["REPORT sync-collection"], 3);
    assert_eq!(sim.writes(), 3);
}

#[tokio::test]
async fn another_process_can_steer_it() {
    let (sim, dav) = start(Quirks::default());
    let control = async |method: &str, path: &str, body: &str| {
        dav.request(method, &format!("/_sim/{path}"), &[], body)
            .await
    };
    let change = r#"{"no_sync_collection": true, "bogus_token": {"status": 412}}"#;
    assert_eq!(control("PATCH", "quirks", change).await.status, 204);
    assert!(sim.quirks().no_sync_collection);
    assert_eq!(
        control("PATCH", "quirks", r#"{"nonsense": 1}"#)
            .await
            .status,
        400
    );
    assert_eq!(control("PUT", "quirks", "{}").await.status, 204);
    assert_eq!(sim.quirks(), Quirks::default());
    let all: Quirks = serde_json::from_str(&control("GET", "quirks", "").await.body).unwrap();
    assert_eq!(all, Quirks::default());

    let fault = r#"{"method": "GET", "action": {"status": {"code": 500}}}"#;
    assert_eq!(control("POST", "faults", fault).await.status, 204);
    assert_eq!(dav.request("GET", WORK, &[], "").await.status, 500);
    assert_eq!(control("DELETE", "faults", "").await.status, 204);

    assert_eq!(
        control("PUT", "calendars/alice/extra", "").await.status,
        201
    );
    assert_eq!(
        control("PUT", "calendars/alice/extra/x.ics", &event("x"))
            .await
            .status,
        201
    );
    assert_eq!(
        control("GET", "calendars/alice/extra/x.ics", "").await.body,
        event("x")
    );
    assert!(
        control("GET", "calendars/alice/extra", "")
            .await
            .body
            .contains("\"uid\": \"x\"")
    );
    assert!(
        control("GET", "calendars", "")
            .await
            .body
            .contains("\"extra\"")
    );
    assert_eq!(
        control("POST", "expire-tokens/alice/extra", "")
            .await
            .status,
        204
    );
    assert_eq!(
        control("POST", "access/alice/extra", "\"read_only\"")
            .await
            .status,
        204
    );
    let refused = dav
        .request("PUT", "/dav/calendars/alice/extra/y.ics", &[], &event("y"))
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        control("DELETE", "calendars/alice/extra/x.ics", "")
            .await
            .status,
        204
    );
    assert!(
        control("GET", "counts", "")
            .await
            .body
            .contains("\"PUT\": 1"),
        "control is not counted"
    );
    assert!(control("GET", "log", "").await.body.contains("extra/y.ics"));
    assert_eq!(control("DELETE", "log", "").await.status, 204);
    assert!(sim.log().is_empty());
}
