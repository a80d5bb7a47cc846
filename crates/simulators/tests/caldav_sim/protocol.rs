//! The CalDAV simulator without quirks keeps to RFC 4791, 6578 and 4918.

use md5::{Digest as _, Md5};
use simulators::caldav::{Access, AuthScheme, CaldavSim, CaldavSimConfig, CalendarSpec};
use testkit::{Answer, RawDav};

const WORK: &str = "/dav/calendars/alice/work/";

fn start() -> (CaldavSim, RawDav) {
    let sim = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    (sim, dav)
}

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261201T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n\
         SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

async fn propfind(dav: &RawDav, path: &str, depth: &str, props: &str) -> Answer {
    let body = format!(
        "<d:propfind xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:cs=\"http://calendarserver.org/ns/\" xmlns:a=\"http://apple.com/ns/ical/\">\
         <d:prop>{props}</d:prop></d:propfind>"
    );
    dav.request("PROPFIND", path, &[("depth", depth)], &body)
        .await
}

async fn sync(dav: &RawDav, token: &str, more: &str) -> Answer {
    let body = format!(
        "<d:sync-collection xmlns:d=\"DAV:\"><d:sync-token>{token}</d:sync-token>\
         <d:sync-level>1</d:sync-level>{more}<d:prop><d:getetag/></d:prop></d:sync-collection>"
    );
    dav.request("REPORT", WORK, &[("depth", "0")], &body).await
}

fn token(answer: &Answer) -> String {
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    let node = document
        .descendants()
        .find(|n| n.has_tag_name(("DAV:", "sync-token")))
        .unwrap();
    node.text().unwrap().to_owned()
}

/// `name status` of each response, in order.
fn members(answer: &Answer) -> Vec<String> {
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    document
        .descendants()
        .filter(|n| n.has_tag_name(("DAV:", "response")))
        .map(|r| {
            let text = |name: &'static str| {
                r.descendants()
                    .find(|n| n.has_tag_name(("DAV:", name)))
                    .and_then(|n| n.text())
                    .unwrap_or_default()
                    .to_owned()
            };
            let href = text("href");
            let status = text("status");
            let name = href.strip_prefix(WORK).unwrap_or(&href).to_owned();
            format!("{name} {}", status.split(' ').nth(1).unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn discovery_leads_from_the_host_to_the_calendars() {
    let (sim, dav) = start();
    let redirect = dav
        .request("PROPFIND", "/.well-known/caldav", &[], "")
        .await;
    assert_eq!(redirect.status, 301);
    assert_eq!(redirect.header("location"), Some("/dav/"));

    let stranger = RawDav::new(sim.url(), "alice", "wrong");
    let refused = propfind(&stranger, "/dav/", "0", "<d:current-user-principal/>").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .starts_with("Basic realm=")
    );

    let root = propfind(&dav, "/dav/", "0", "<d:current-user-principal/>").await;
    assert!(
        root.body
            .contains("<d:href>/dav/principals/alice/</d:href>"),
        "{}",
        root.body
    );
    let principal = propfind(
        &dav,
        "/dav/principals/alice/",
        "0",
        "<c:calendar-home-set/><c:calendar-user-address-set/>",
    )
    .await;
    assert!(principal.body.contains("/dav/calendars/alice/"));
    assert!(principal.body.contains("mailto:alice@example.org"));

    sim.create_calendar(
        "alice",
        CalendarSpec::new("ro", "Read <only>")
            .color("#ff0000ff")
            .read_only(),
    );
    let props = "<d:resourcetype/><d:displayname/><a:calendar-color/><c:supported-calendar-component-set/>\
        <d:current-user-privilege-set/><cs:getctag/><d:sync-token/><d:supported-report-set/><d:nonsense/>";
    let home = propfind(&dav, "/dav/calendars/alice/", "1", props).await;
    assert_eq!(members(&home).len(), 3);
    for part in [
        "Read &lt;only&gt;",
        "#ff0000ff",
        "<cal:calendar/>",
        "name=\"VEVENT\"",
        "<d:sync-collection/>",
    ] {
        assert!(home.body.contains(part), "{part} in {}", home.body);
    }
    assert_eq!(
        home.body.matches("<d:write-content/>").count(),
        2,
        "home and work"
    );
    assert_eq!(home.body.matches("404 Not Found").count(), 3);
    assert_eq!(
        propfind(&dav, "/dav/calendars/alice/", "infinity", "")
            .await
            .status,
        403
    );
    assert_eq!(
        propfind(&dav, "/dav/calendars/bob/work/", "0", "<d:displayname/>")
            .await
            .status,
        403
    );
    assert_eq!(
        propfind(&dav, "/dav/calendars/alice/no/", "0", "<d:displayname/>")
            .await
            .status,
        404
    );
    let options = dav.request("OPTIONS", "/dav/", &[], "").await;
    assert!(options.header("dav").unwrap().contains("calendar-access"));
}

#[tokio::test]
async fn writes_are_conditional() {
    let (sim, dav) = start();
    let a = format!("{WORK}a.ics");
    let created = dav
        .request("PUT", &a, &[("if-none-match", "*")], &event("1", "A"))
        .await;
    assert_eq!(created.status, 201);
    let etag = created.etag().unwrap().to_owned();
    let again = dav
        .request("PUT", &a, &[("if-none-match", "*")], &event("1", "B"))
        .await;
    assert_eq!(again.status, 412);
    let wrong = dav
        .request("PUT", &a, &[("if-match", "\"x\"")], &event("1", "B"))
        .await;
    assert_eq!(wrong.status, 412);
    let missing = format!("{WORK}none.ics");
    let nowhere = dav
        .request("PUT", &missing, &[("if-match", &etag)], &event("2", "B"))
        .await;
    assert_eq!(nowhere.status, 412);
    let identical = dav
        .request("PUT", &a, &[("if-match", &etag)], &event("1", "A"))
        .await;
    assert_eq!(
        (identical.status, identical.etag()),
        (204, Some(etag.as_str()))
    );
    let changed = dav
        .request("PUT", &a, &[("if-match", &etag)], &event("1", "B"))
        .await;
    assert_eq!(changed.status, 204);
    assert_ne!(changed.etag(), Some(etag.as_str()));

    let got = dav.get(&a).await.unwrap();
    assert_eq!(got.body, event("1", "B"), "byte for byte");
    assert_eq!(got.etag(), changed.etag());
    let head = dav.request("HEAD", &a, &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let cached = dav
        .request("GET", &a, &[("if-none-match", got.etag().unwrap())], "")
        .await;
    assert_eq!(cached.status, 304);

    let twin = dav
        .request("PUT", &format!("{WORK}b.ics"), &[], &event("1", "A"))
        .await;
    assert_eq!(twin.status, 403);
    assert!(
        twin.body.contains("no-uid-conflict") && twin.body.contains("work/a.ics"),
        "{}",
        twin.body
    );
    for (body, condition) in [
        ("garbage", "valid-calendar-data"),
        (
            &event("3", "x").replace("END:VCALENDAR\r\n", ""),
            "valid-calendar-data",
        ),
        (
            &event("3", "x").replace("VEVENT", "VTODO"),
            "supported-calendar-component",
        ),
    ] {
        let refused = dav.request("PUT", &missing, &[], body).await;
        assert_eq!(refused.status, 403);
        assert!(
            refused.body.contains(condition),
            "{condition} in {}",
            refused.body
        );
    }

    assert_eq!(
        dav.request("DELETE", &a, &[("if-match", &etag)], "")
            .await
            .status,
        412
    );
    let current = got.etag().unwrap();
    assert_eq!(
        dav.request("DELETE", &a, &[("if-match", current)], "")
            .await
            .status,
        204
    );
    assert_eq!(dav.request("DELETE", &a, &[], "").await.status, 404);

    sim.set_access("alice", "work", Access::ReadOnly);
    let refused = dav.request("PUT", &a, &[], &event("1", "A")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("need-privileges"));
    assert!(sim.objects("alice", "work").is_empty());
}

#[tokio::test]
async fn sync_collection_reports_changes_and_tombstones() {
    let (sim, dav) = start();
    for n in 0..5 {
        assert!(sim.put(
            "alice",
            "work",
            &format!("{n}.ics"),
            &event(&n.to_string(), "x")
        ));
    }
    let first = sync(&dav, "", "").await;
    assert_eq!(members(&first).len(), 5);
    let quiet = sync(&dav, &token(&first), "").await;
    assert!(members(&quiet).is_empty());
    assert_eq!(token(&quiet), token(&first));

    sim.put("alice", "work", "1.ics", &event("1", "changed"));
    sim.put("alice", "work", "1.ics", &event("1", "changed"));
    assert!(sim.delete("alice", "work", "2.ics"));
    sim.put("alice", "work", "short.ics", &event("9", "x"));
    assert!(sim.delete("alice", "work", "short.ics"));
    assert!(sim.rename("alice", "work", "3.ics", "moved.ics"));
    let second = sync(&dav, &token(&first), "").await;
    assert_eq!(
        members(&second),
        [
            "1.ics 200",
            "2.ics 404",
            "short.ics 404",
            "3.ics 404",
            "moved.ics 200"
        ]
    );

    // Paged, a client sees the same in the end.
    let mut at = token(&first);
    let mut seen = Vec::new();
    loop {
        let page = sync(&dav, &at, "<d:limit><d:nresults>2</d:nresults></d:limit>").await;
        let listed = members(&page);
        at = token(&page);
        let more = listed.iter().any(|m| m.ends_with(" 507"));
        seen.extend(listed.into_iter().filter(|m| !m.ends_with(" 507")));
        if !more {
            break;
        }
    }
    assert_eq!(seen, members(&second));
    assert_eq!(at, token(&second));

    sim.expire_tokens("alice", "work");
    let refused = sync(&dav, &at, "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("valid-sync-token"));
    assert_eq!(members(&sync(&dav, "", "").await).len(), 4);
    assert_eq!(
        dav.request(
            "REPORT",
            WORK,
            &[("depth", "1")],
            "<d:sync-collection xmlns:d=\"DAV:\"/>"
        )
        .await
        .status,
        400
    );
}

#[tokio::test]
async fn multiget_and_query_return_what_is_asked() {
    let (sim, dav) = start();
    sim.put("alice", "work", "a@b.ics", &event("1", "A"));
    sim.put(
        "alice",
        "work",
        "later.ics",
        &event("2", "B").replace("20261201T1", "20270101T1"),
    );
    let multiget = |hrefs: &str| {
        format!(
            "<c:calendar-multiget xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop>\
             <d:getetag/><c:calendar-data/></d:prop>{hrefs}</c:calendar-multiget>"
        )
    };
    let hrefs = format!(
        "<d:href>{WORK}a%40b.ics</d:href><d:href>{}{WORK}later.ics</d:href><d:href>{WORK}no.ics</d:href>",
        sim.url()
    );
    let answer = dav.request("REPORT", WORK, &[], &multiget(&hrefs)).await;
    assert_eq!(
        members(&answer),
        ["a@b.ics 200", "later.ics 200", "no.ics 404"]
    );
    assert!(answer.body.contains("SUMMARY:A"));

    let query = |filter: &str| {
        format!(
            "<c:calendar-query xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop>\
             <d:getetag/></d:prop><c:filter><c:comp-filter name=\"VCALENDAR\">\
             <c:comp-filter name=\"VEVENT\">{filter}</c:comp-filter></c:comp-filter></c:filter>\
             </c:calendar-query>"
        )
    };
    let depth = [("depth", "1")];
    let all = dav.request("REPORT", WORK, &depth, &query("")).await;
    assert_eq!(members(&all).len(), 2);
    let range = "<c:time-range start=\"20261201T000000Z\" end=\"20261202T000000Z\"/>";
    let some = dav.request("REPORT", WORK, &depth, &query(range)).await;
    assert_eq!(members(&some), ["a@b.ics 200"]);
    let local = dav
        .request(
            "REPORT",
            WORK,
            &depth,
            &query("<c:time-range start=\"20261201T000000\"/>"),
        )
        .await;
    assert_eq!(local.status, 403);
    assert!(
        members(&dav.request("REPORT", WORK, &[], &query("")).await).is_empty(),
        "Depth 0"
    );
    assert_eq!(sim.counts()["REPORT calendar-query"], 4);
}

#[tokio::test]
async fn calendars_are_made_changed_and_removed() {
    let (sim, dav) = start();
    let path = "/dav/calendars/alice/new%20one/";
    dav.mkcalendar(path, "New &amp; shiny").await;
    let body = propfind(&dav, path, "0", "<d:displayname/>").await.body;
    assert!(body.contains("New &amp; shiny"), "{body}");
    assert_eq!(dav.request("MKCALENDAR", path, &[], "").await.status, 405);
    let update = |inner: &str| {
        format!(
            "<d:propertyupdate xmlns:d=\"DAV:\" xmlns:a=\"http://apple.com/ns/ical/\" xmlns:z=\"urn:z\">\
             <d:set><d:prop>{inner}</d:prop></d:set></d:propertyupdate>"
        )
    };
    let set = "<a:calendar-color>#123456</a:calendar-color><z:order>7</z:order>";
    let patched = dav.request("PROPPATCH", path, &[], &update(set)).await;
    assert_eq!(patched.status, 207);
    let body = propfind(
        &dav,
        path,
        "0",
        "<a:calendar-color/><z:order xmlns:z=\"urn:z\"/>",
    )
    .await
    .body;
    assert!(body.contains("#123456") && body.contains(">7<"), "{body}");
    let both = "<d:displayname>No</d:displayname><d:getetag>x</d:getetag>";
    let refused = dav
        .request("PROPPATCH", path, &[], &update(both))
        .await
        .body;
    assert!(
        refused.contains("403 Forbidden") && refused.contains("424 "),
        "{refused}"
    );
    dav.delete(path).await;
    assert!(!sim.remove_calendar("alice", "new one"));
}

#[tokio::test]
async fn digest_is_checked() {
    let sim = CaldavSim::start(CaldavSimConfig {
        auth: AuthScheme::Digest,
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let basic = RawDav::new(sim.url(), "alice", "alicepw");
    let refused = basic.request("PROPFIND", "/dav/", &[], "").await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap().to_owned();
    let nonce = challenge
        .split("nonce=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let digest = |password: &str, uri: &str| {
        let hash = |text: String| data_encoding::HEXLOWER.encode(&Md5::digest(text));
        let ha1 = hash(format!("alice:CalDAV simulator:{password}"));
        let ha2 = hash(format!("OPTIONS:{uri}").replace("OPTIONS", "PROPFIND"));
        let response = hash(format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
        format!(
            "Digest username=\"alice\", realm=\"CalDAV simulator\", nonce=\"{nonce}\", uri=\"{uri}\", \
             qop=auth, nc=00000001, cnonce=\"c\", response=\"{response}\""
        )
    };
    let ask = async |password: &str| {
        let method = reqwest::Method::from_bytes(b"PROPFIND").unwrap();
        reqwest::Client::new()
            .request(method, format!("{}/dav/", sim.url()))
            .header("authorization", digest(password, "/dav/"))
            .header("depth", "0")
            .send()
            .await
            .unwrap()
    };
    assert_eq!(ask("alicepw").await.status(), 207);
    assert_eq!(ask("wrong").await.status(), 401);
    sim.update_quirks(|q| q.digest_nonce_uses = Some(1));
    let stale = ask("alicepw").await;
    assert_eq!(stale.status(), 401);
    let challenge = stale.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.ends_with("stale=true"), "{challenge}");
    sim.update_quirks(|q| {
        q.digest_nonce_uses = None;
        q.digest_always_refused = true;
    });
    assert_eq!(ask("alicepw").await.status(), 401);
}
