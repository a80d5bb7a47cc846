//! Quirks of writing, of the wire, faults, and steering from outside.

use simulators::caldav::{
    CalendarSpec, Fault, FaultAction, Quirks, Rewrite, Throttle, XmlMischief, XmlStyle,
};

use crate::support::{WORK, event, put, start, sync};

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

    sim.create_calendar("alice", CalendarSpec::new("other", "Other"));
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

#[tokio::test]
async fn collections_differ() {
    let (sim, dav) = start(Quirks {
        mkcalendar_exists_status: 409,
        mkcalendar_ignores_color: true,
        proppatch_all_or_nothing: true,
        component_set_not_enforced: true,
        ..Quirks::default()
    });
    assert_eq!(dav.request("MKCALENDAR", WORK, &[], "").await.status, 409);
    let make = "<c:mkcalendar xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:set><d:prop>\
        <d:displayname>N</d:displayname><calendar-color xmlns=\"http://apple.com/ns/ical/\">#f00</calendar-color>\
        </d:prop></d:set></c:mkcalendar>";
    let path = "/dav/calendars/alice/n/";
    assert_eq!(dav.request("MKCALENDAR", path, &[], make).await.status, 201);
    let shown = dav
        .request("PROPFIND", path, &[("depth", "0")], "")
        .await
        .body;
    assert!(shown.contains(">N<") && !shown.contains("#f00"), "{shown}");
    let patch = "<d:propertyupdate xmlns:d=\"DAV:\"><d:set><d:prop><d:displayname>M</d:displayname>\
        <x xmlns=\"urn:z\">1</x></d:prop></d:set></d:propertyupdate>";
    assert_eq!(dav.request("PROPPATCH", path, &[], patch).await.status, 403);
    let todo = event("1").replace("VEVENT", "VTODO");
    assert_eq!(put(&dav, "todo.ics", &[], &todo).await.status, 201);
    assert_eq!(sim.get("alice", "work", "todo.ics").unwrap().uid, "1");
}

#[tokio::test]
async fn xml_can_be_a_bomb() {
    let (sim, dav) = start(Quirks::default());
    let depth = [("depth", "0")];
    for (how, mark) in [
        (XmlMischief::ManyAttributes, " a99999=\"\""),
        (XmlMischief::DeepNesting, "<d:x><d:x><d:x>"),
        (XmlMischief::EntityBomb, "<!ENTITY e9 \"&e8;&e8;"),
        (XmlMischief::LeadingBlanks, "\u{feff}\r\n\r\n<?xml"),
    ] {
        sim.update_quirks(|q| q.xml_mischief = Some(how));
        let answer = dav.request("PROPFIND", WORK, &depth, "").await;
        assert!(answer.body.contains(mark), "{how:?}");
    }
}
