//! What the tests of the CalDAV simulator share: a server, a user, the reports.

use simulators::caldav::{CaldavSim, CaldavSimConfig, Quirks};
use testkit::{Answer, RawDav};

pub(crate) const WORK: &str = "/dav/calendars/alice/work/";

pub(crate) fn start(quirks: Quirks) -> (CaldavSim, RawDav) {
    let sim = CaldavSim::start(CaldavSimConfig {
        quirks,
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    (sim, dav)
}

pub(crate) fn event(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261201T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n\
         ATTENDEE:mailto:x@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub(crate) async fn sync(dav: &RawDav, token: &str, more: &str) -> Answer {
    let body = format!(
        "<d:sync-collection xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\">\
         <d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>{more}\
         <d:prop><d:getetag/><c:calendar-data/></d:prop></d:sync-collection>"
    );
    dav.request("REPORT", WORK, &[], &body).await
}

pub(crate) async fn multiget(dav: &RawDav, names: &[&str]) -> Answer {
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

pub(crate) async fn put(dav: &RawDav, name: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    dav.request("PUT", &format!("{WORK}{name}"), headers, body)
        .await
}

pub(crate) fn responses(answer: &Answer) -> usize {
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    document
        .descendants()
        .filter(|n| n.has_tag_name(("DAV:", "response")))
        .count()
}

pub(crate) fn token(answer: &Answer) -> String {
    let start = answer.body.find("sync-token>").unwrap() + "sync-token>".len();
    answer.body[start..].split('<').next().unwrap().to_owned()
}
