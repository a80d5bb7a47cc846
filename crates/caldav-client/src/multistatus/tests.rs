//! Answers as measured servers give them, and answers that nobody should give.

use super::*;

fn parsed(text: &str) -> Multistatus {
    parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// Radicale 3.9: default namespace DAV:, hrefs as paths, the whole list in one line.
const RADICALE_HOME: &str = r#"<?xml version='1.0' encoding='utf-8'?>
<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:ICAL="http://apple.com/ns/ical/"><response><href>/alice/work/</href><propstat><prop><resourcetype><C:calendar /><collection /></resourcetype><displayname>Work</displayname><ICAL:calendar-color>#2952A3FF</ICAL:calendar-color><C:supported-calendar-component-set><C:comp name="VEVENT" /><C:comp name="VTODO" /></C:supported-calendar-component-set><current-user-privilege-set><privilege><read /></privilege><privilege><all /></privilege><privilege><write /></privilege></current-user-privilege-set><CS:getctag>"abc"</CS:getctag><sync-token>http://radicale.org/ns/sync/1</sync-token><supported-report-set><supported-report><report><expand-property /></report></supported-report><supported-report><report><sync-collection /></report></supported-report></supported-report-set></prop><status>HTTP/1.1 200 OK</status></propstat><propstat><prop><C:calendar-timezone /></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>"#;

/// Xandikos 0.4: ns0 prefixes.
const XANDIKOS_SYNC: &str = r#"<ns0:multistatus xmlns:ns0="DAV:" xmlns:ns1="urn:ietf:params:xml:ns:caldav"><ns0:response><ns0:href>/alice/calendars/calendar/a%40b.ics</ns0:href><ns0:status>HTTP/1.1 404 Not Found</ns0:status></ns0:response><ns0:response><ns0:href>/alice/calendars/calendar/c.ics</ns0:href><ns0:propstat><ns0:status>HTTP/1.1 200 OK</ns0:status><ns0:prop><ns0:getetag>"7d1"</ns0:getetag></ns0:prop></ns0:propstat><ns0:propstat><ns0:status>HTTP/1.1 404 Not Found</ns0:status><ns0:prop><ns1:calendar-data /></ns0:prop></ns0:propstat></ns0:response><ns0:sync-token>4f3c</ns0:sync-token></ns0:multistatus>"#;

/// SOGo 5: D: prefix, quotes escaped, the name of the missing.
const SOGO_MULTIGET: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:response><D:href>/SOGo/dav/alice/Calendar/personal/a.ics</D:href><D:propstat><D:prop><D:getetag>&quot;gcs00000003&quot;</D:getetag><C:calendar-data>BEGIN:VCALENDAR&#13;
SUMMARY:a &amp; b&#13;
END:VCALENDAR</C:calendar-data></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response><D:response><D:href>/SOGo/dav/alice/Calendar/personal/gone.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response></D:multistatus>"#;

#[test]
fn a_home_of_radicale() {
    let answer = parsed(RADICALE_HOME);
    let props = &answer.entries[0].props;
    assert_eq!(answer.entries[0].href, "/alice/work/");
    assert!(props.is_calendar() && props.takes_events() && props.is_writable());
    assert!(props.has_report("sync-collection"));
    assert_eq!(props.name.as_deref(), Some("Work"));
    assert_eq!(props.ctag.as_deref(), Some("\"abc\""));
    assert_eq!(props.color.as_deref(), Some("#2952A3FF"));
    assert_eq!(props.timezone, None);
    assert_eq!(answer.entries[0].refused, Some(404));
    assert!(!answer.entries[0].is_failure());
}

#[test]
fn a_sync_report_of_xandikos() {
    let answer = parsed(XANDIKOS_SYNC);
    assert_eq!(answer.sync_token.as_deref(), Some("4f3c"));
    assert!(answer.entries[0].is_missing());
    assert_eq!(answer.entries[1].props.etag.as_deref(), Some("\"7d1\""));
    assert_eq!(answer.entries[1].props.data, None);
    assert!(!answer.entries[1].is_missing());
}

#[test]
fn a_multiget_of_sogo() {
    let answer = parsed(SOGO_MULTIGET);
    let first = &answer.entries[0].props;
    assert_eq!(first.etag.as_deref(), Some("\"gcs00000003\""));
    assert_eq!(
        first.data.as_deref(),
        Some("BEGIN:VCALENDAR\r\nSUMMARY:a & b\r\nEND:VCALENDAR")
    );
    assert!(answer.entries[1].is_missing());
}

#[test]
fn a_truncated_report_says_so() {
    let answer = parsed(
        r#"<d:multistatus xmlns:d="DAV:"><d:response><d:href>/c/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status><d:error><d:number-of-matches-within-limits/></d:error></d:response><d:sync-token>t2</d:sync-token></d:multistatus>"#,
    );
    assert!(answer.entries[0].is_truncation());
}

#[test]
fn habits_of_other_servers() {
    // A status beside the propstat (iCloud), data in CDATA, an empty href, a status without reason,
    // no status at all, several hrefs for one status, an unknown element anywhere.
    let answer = parsed(
        r#"<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><x/>
        <response><href>/a.ics</href><status>HTTP/1.1 200 OK</status><propstat><prop><getetag>"1"</getetag><c:calendar-data><![CDATA[BEGIN:VCALENDAR <x> & ]]></c:calendar-data></prop><status>HTTP/2 200</status></propstat></response>
        <response><href/><propstat><prop><getetag>2</getetag></prop></propstat></response>
        <response><href>/b.ics</href><href>/c.ics</href><status>HTTP/1.1 410 Gone</status></response>
        <response/></multistatus>"#,
    );
    let hrefs: Vec<_> = answer.entries.iter().map(|e| e.href.as_str()).collect();
    assert_eq!(hrefs, ["/a.ics", "", "/b.ics", "/c.ics", ""]);
    assert_eq!(
        answer.entries[0].props.data.as_deref(),
        Some("BEGIN:VCALENDAR <x> &")
    );
    assert_eq!(answer.entries[1].props.etag.as_deref(), Some("2"));
    assert!(answer.entries[2].is_missing() && answer.entries[3].is_missing());
}

#[test]
fn nothing_but_a_status_is_said_of_several_resources() {
    // Copied for each of a million hrefs, a megabyte of calendar data would fill the memory.
    let answer = parsed(
        r#"<multistatus xmlns="DAV:"><response><href>/a</href><href>/b</href><error><too-much/></error><propstat><prop><displayname>Large</displayname></prop></propstat></response></multistatus>"#,
    );
    assert_eq!(answer.entries.len(), 2);
    assert_eq!(answer.entries[0].props, Props::default());
    assert_eq!(answer.entries[0].conditions, Vec::<String>::new());
    assert_eq!(answer.entries[1].props.name.as_deref(), Some("Large"));
}

#[test]
fn principals_and_homes() {
    let answer = parsed(
        r#"<d:multistatus xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/</d:href><d:propstat><d:prop><d:current-user-principal><d:unauthenticated/></d:current-user-principal><cal:calendar-home-set><d:href>/h1/</d:href><d:href>https://other.example/h2/</d:href></cal:calendar-home-set><cal:calendar-user-address-set><d:href>mailto:a@example.com</d:href><d:href>/principals/a/</d:href></cal:calendar-user-address-set><cal:schedule-inbox-URL><d:href>/in/</d:href></cal:schedule-inbox-URL></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"#,
    );
    let props = &answer.entries[0].props;
    assert!(props.unauthenticated && props.principal.is_none());
    assert_eq!(props.homes, ["/h1/", "https://other.example/h2/"]);
    assert_eq!(props.addresses.len(), 2);
    assert_eq!(props.scheduling, ["/in/"]);
}

#[test]
fn scheduling_boxes_and_the_trash_are_no_calendars() {
    for kind in [
        "<c:schedule-inbox/>",
        "<c:schedule-outbox/>",
        "<n:deleted-calendar/>",
    ] {
        let answer = parsed(&format!(
            r#"<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:n="n"><response><href>/x/</href><propstat><prop><resourcetype><collection/><c:calendar/>{kind}</resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#
        ));
        assert!(!answer.entries[0].props.is_calendar(), "{kind}");
    }
}

#[test]
fn other_documents_are_refused() {
    for text in ["<html/>", "<multistatus/>", "<multistatus xmlns='urn:x'/>"] {
        let error = parse(text.as_bytes(), &Limits::default()).unwrap_err();
        assert!(matches!(error, XmlError::Unexpected { .. }), "{text}");
    }
    assert!(parse(b"<!DOCTYPE html><html>", &Limits::default()).is_err());
}

#[test]
fn errors_name_their_conditions() {
    let error = DavError::parse(
        br#"<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:no-uid-conflict><d:href>/alice/work/other.ics</d:href></c:no-uid-conflict></d:error>"#,
    );
    assert!(error.has("no-uid-conflict"));
    assert_eq!(error.hrefs, ["/alice/work/other.ics"]);
    assert_eq!(DavError::parse(b"nothing of the kind"), DavError::default());
}

mod never_panics {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes, &Limits::default());
            let _ = DavError::parse(&bytes);
        }

        #[test]
        fn on_answers_cut_and_spoiled(cut in 0..2000_usize, at in 0..2000_usize, byte: u8) {
            for whole in [RADICALE_HOME, XANDIKOS_SYNC, SOGO_MULTIGET] {
                let mut bytes = whole.as_bytes().to_vec();
                bytes.truncate(bytes.len().saturating_sub(cut));
                if let Some(spoiled) = bytes.get_mut(at) {
                    *spoiled = byte;
                }
                let _ = parse(&bytes, &Limits::default());
            }
        }
    }
}
