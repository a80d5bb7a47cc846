//! Answers made to hurt: each is refused or cut in bounded work and memory, whatever it is, and the
//! calendar's other events are read all the same.
//!
//! Nothing is measured against a clock; a client that never ends is noticed by whoever waits. What
//! is counted is what was asked, and how much memory the process ever had.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use caldav_client::{Account, Calendar, CalendarFacts, Credentials, Profile};
use outbound::{Client, Policy};
use sync_engine::model::{CalendarId, ResourceId};
use sync_engine::observation::Seen;
use sync_engine::ports::{ErrorClass, Listed, SidePort as _};
use testkit::scripted::{Asked, ScriptedServer, answer, gzip_bomb, memory};

use crate::common::{ics, kind, now, pacing};

/// Alice's account there; what takes longer than a real server ever does is given up after seconds.
fn account(server: &ScriptedServer) -> Account {
    let mut policy = Policy::caldav();
    policy.read_timeout = Duration::from_secs(5);
    policy.total_timeout = Duration::from_secs(20);
    let credentials = Credentials {
        username: "alice".to_owned(),
        password: "alicepw".to_owned().into(),
    };
    let client = Client::new(policy).unwrap();
    Account::new(
        &client,
        &server.url(),
        credentials,
        Profile::default(),
        pacing(),
    )
    .unwrap()
}

fn calendar(server: &ScriptedServer) -> Calendar {
    let url = format!("{}work/", server.url());
    account(server)
        .open(&CalendarFacts::of(CalendarId::new(url)), now())
        .unwrap()
}

/// The most memory that is used while something is done, in MiB beyond what was used before. Only
/// where the test has its process for itself.
async fn memory_for<T>(work: impl Future<Output = T>) -> (T, u64) {
    let (most, before) = memory("self");
    let done = work.await;
    let (peak, _) = memory("self");
    let alone = std::env::var_os("NEXTEST").is_some() && peak > most;
    (
        done,
        if alone {
            peak.saturating_sub(before) / 1024
        } else {
            0
        },
    )
}

fn multistatus(out: &mut dyn Write, body: &str) -> io::Result<()> {
    let body = format!("<d:multistatus xmlns:d=\"DAV:\">{body}</d:multistatus>");
    answer(out, 207, "", body.as_bytes())
}

fn head(out: &mut dyn Write, more: &str) -> io::Result<()> {
    write!(
        out,
        "HTTP/1.1 207 Multi-Status\r\nConnection: close\r\n{more}\r\n"
    )
}

/// Bytes as they come, in XML's clothes.
fn spelled(text: &str, unit: impl Fn(u16) -> [u8; 2], mark: &[u8]) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(unit);
    mark.iter().copied().chain(units).collect()
}

const DOCTYPE: &str =
    "<?xml version=\"1.0\" encoding=\"utf-16\"?><!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>";

/// Many pieces of text as one.
fn all(pieces: impl Iterator<Item = String>) -> String {
    pieces.collect::<Vec<_>>().concat()
}

/// Writes one answer.
type Bomb = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// Every bomb with the code that it comes out as.
fn bombs(witness: u16) -> Vec<(&'static str, &'static str, Bomb)> {
    let whole =
        |body: String| -> Bomb { Box::new(move |out| answer(out, 207, "", body.as_bytes())) };
    let bytes = |body: Vec<u8>| -> Bomb { Box::new(move |out| answer(out, 207, "", &body)) };
    let doctype = |inside: &str| whole(format!("<!DOCTYPE a [{inside}]><a>&e;</a>"));
    let laughs =
        all((1..20).map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))));
    vec![
        (
            "billion laughs",
            "caldav_garbled",
            doctype(&format!(
                "<!ENTITY e0 \"lol\">{laughs}<!ENTITY e \"&e19;\">"
            )),
        ),
        (
            "a file as an entity",
            "caldav_garbled",
            doctype("<!ENTITY e SYSTEM \"file:///etc/passwd\">"),
        ),
        (
            "an address as an entity",
            "caldav_garbled",
            doctype(&format!(
                "<!ENTITY e SYSTEM \"http://127.0.0.1:{witness}/\">"
            )),
        ),
        (
            "a DTD elsewhere",
            "caldav_garbled",
            whole(format!(
                "<!DOCTYPE a SYSTEM \"http://127.0.0.1:{witness}/a.dtd\"><a/>"
            )),
        ),
        (
            "a million attributes",
            "caldav_garbled",
            Box::new(|out| {
                let attributes = all((0..1_000_000).map(|n| format!(" a{n}=''")));
                multistatus(out, &format!("<d:x{attributes}/>"))
            }),
        ),
        (
            "a million namespaces",
            "caldav_garbled",
            Box::new(|out| {
                let nested = all((0..100).map(|n| format!("<x xmlns:n{n}='u{n}'>")));
                multistatus(out, &nested.repeat(10_000))
            }),
        ),
        (
            "a hundred thousand levels",
            "caldav_garbled",
            Box::new(|out| multistatus(out, &"<x>".repeat(100_000))),
        ),
        (
            "two million elements",
            "caldav_garbled",
            Box::new(|out| multistatus(out, &"<x/>".repeat(2_000_000))),
        ),
        (
            "more resources than are read",
            "caldav_garbled",
            Box::new(|out| multistatus(out, &"<d:response/>".repeat(200_000))),
        ),
        (
            "more hrefs than are read",
            "caldav_garbled",
            Box::new(|out| {
                let hrefs = "<d:href/>".repeat(200_000);
                multistatus(out, &format!("<d:response>{hrefs}</d:response>"))
            }),
        ),
        (
            "a tag that never ends",
            "caldav_garbled",
            Box::new(|out| multistatus(out, &format!("<x a='{}", "y".repeat(5_000_000)))),
        ),
        (
            "UTF-16, little end first",
            "caldav_garbled",
            bytes(spelled(DOCTYPE, u16::to_le_bytes, &[0xff, 0xfe])),
        ),
        (
            "UTF-16, big end first",
            "caldav_garbled",
            bytes(spelled(DOCTYPE, u16::to_be_bytes, &[0xfe, 0xff])),
        ),
        (
            "UTF-7",
            "caldav_garbled",
            whole(
                "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE a+AD4-<a>+ACY-e;</a>"
                    .to_owned(),
            ),
        ),
        (
            "a NUL in it",
            "caldav_garbled",
            Box::new(|out| multistatus(out, "<d:response>\0</d:response>")),
        ),
        (
            "ten gigabytes, packed",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Content-Encoding: gzip\r\n")?;
                gzip_bomb(out, 10 * 1024)
            }),
        ),
        (
            "packed, and no packing",
            "caldav_unreachable",
            Box::new(|out| answer(out, 207, "Content-Encoding: gzip\r\n", &[7; 5000])),
        ),
        (
            "two gigabytes, declared",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Content-Length: 2147483648\r\n")?;
                out.write_all(b"<d:multistatus xmlns:d=\"DAV:\">")
            }),
        ),
        (
            "more than numbers hold, declared",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Content-Length: 99999999999999999999999\r\n")?;
                out.write_all(b"<a/>")
            }),
        ),
        (
            "two lengths",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Content-Length: 4\r\nContent-Length: 5\r\n")?;
                out.write_all(b"<a/>")
            }),
        ),
        (
            "an answer without end",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Transfer-Encoding: chunked\r\n")?;
                let piece = [b' '; 65_536];
                loop {
                    write!(out, "{:x}\r\n", piece.len())?;
                    out.write_all(&piece)?;
                    out.write_all(b"\r\n")?;
                }
            }),
        ),
        (
            "a chunk of absurd length",
            "caldav_unreachable",
            Box::new(|out| {
                head(out, "Transfer-Encoding: chunked\r\n")?;
                out.write_all(b"ffffffffffffffffffff\r\nx")
            }),
        ),
        (
            "a header without end",
            "caldav_unreachable",
            Box::new(|out| {
                out.write_all(b"HTTP/1.1 207 X\r\nX-Long: ")?;
                let piece = [b'x'; 65_536];
                loop {
                    out.write_all(&piece)?;
                }
            }),
        ),
        (
            "ten thousand headers",
            "caldav_unreachable",
            Box::new(|out| head(out, &"X-Many: 1\r\n".repeat(10_000))),
        ),
        (
            "a header with a bare line feed and a NUL",
            "caldav_unreachable",
            Box::new(|out| head(out, "X-Odd: a\0b\nc\r\n")),
        ),
        (
            "no HTTP",
            "caldav_unreachable",
            Box::new(|out| out.write_all(b"220 mail.example ESMTP ready\r\n")),
        ),
        ("nothing", "caldav_unreachable", Box::new(|_| Ok(()))),
        (
            "redirects without end",
            "caldav_unreachable",
            Box::new(|out| answer(out, 302, "Location: /again\r\n", b"")),
        ),
    ]
}

#[tokio::test]
async fn every_bomb_is_refused_and_remembered_by_nothing() {
    let witness = TcpListener::bind("127.0.0.1:0").unwrap();
    witness.set_nonblocking(true).unwrap();
    let port = witness.local_addr().unwrap().port();
    for (name, code, bomb) in bombs(port) {
        let server = ScriptedServer::start(move |_, out| bomb(out));
        let (listed, grown) = memory_for(async { calendar(&server).list(None).await }).await;
        let Err(error) = listed else {
            panic!("{name}: it was taken for a listing");
        };
        assert_eq!(error.code, code, "{name}: {error}");
        assert!(!error.action.is_empty(), "{name}");
        let lasting = matches!(error.class, ErrorClass::Credentials);
        assert!(!lasting || name.contains("redirects"), "{name}: {error:?}");
        // The server writes from the same process, so a little more than the client's own share.
        assert!(grown < 96, "{name}: {grown} MiB");
        assert!(server.asked() <= 12, "{name}: {} requests", server.asked());
        // Nor does it make a discovery.
        assert!(account(&server).discover().await.is_err(), "{name}");
    }
    assert!(witness.accept().is_err(), "somebody asked for an entity");
}

/// A listing of so many resources, as real servers write it.
fn listing(count: usize) -> String {
    all((0..count).map(|n| {
        format!(
            "<d:response><d:href>/work/{n}-0123456789abcdef0123456789abcdef.ics</d:href>\n\
                 <d:propstat><d:prop><d:getetag>\"{n}-0123456789abcdef\"</d:getetag>\
                 <d:getcontenttype>text/calendar; component=vevent</d:getcontenttype>\
                 <d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>\
                 </d:response>\n"
        )
    }))
}

#[tokio::test]
async fn a_hundred_thousand_resources_are_listed_in_bounded_memory() {
    let server = ScriptedServer::start(|asked, out| {
        if asked.head.contains("\ndepth: 0") {
            return multistatus(out, "<d:response><d:href>/work/</d:href></d:response>");
        }
        multistatus(out, &listing(100_000))
    });
    let (listed, grown) = memory_for(async { calendar(&server).list(None).await }).await;
    assert_eq!(listed.unwrap().items.len(), 100_000);
    assert!(grown < 350, "{grown} MiB");
}

#[tokio::test]
async fn what_a_listing_says_beyond_what_was_asked_is_not_kept() {
    let server = ScriptedServer::start(|asked, out| {
        if asked.head.contains("\ndepth: 0") {
            return multistatus(out, "<d:response><d:href>/work/</d:href></d:response>");
        }
        let long = "x".repeat(100_000);
        let line = |name: &str, etag: &str, more: &str| {
            format!(
                "<d:response><d:href>/work/{name}</d:href><d:propstat><d:prop>\
                 <d:getetag>\"{etag}\"</d:getetag>{more}</d:prop>\
                 <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            )
        };
        let all = [
            line("good.ics", "1", ""),
            line("etag.ics", &long, ""),
            line(&format!("{long}.ics"), "1", ""),
            line(
                "name.ics",
                "1",
                &format!("<d:displayname>{long}</d:displayname>"),
            ),
            line("mailto:x", "1", ""),
            line("%00%0d%0a.ics", "1", ""),
        ];
        multistatus(out, &all.concat())
    });
    let listed = calendar(&server).list(None).await.unwrap();
    let lines: Vec<(String, usize)> = listed
        .items
        .iter()
        .map(|item| match item {
            Listed::Version { resource, etag } => {
                let length = etag.as_ref().map_or(0, |etag| etag.as_str().len());
                (resource.as_str().to_owned(), length)
            }
            Listed::Seen(seen) => (seen.resource().as_str().to_owned(), 0),
        })
        .collect();
    assert!(
        lines.contains(&("/work/good.ics".to_owned(), 3)),
        "{lines:?}"
    );
    assert!(
        lines.contains(&("/work/etag.ics".to_owned(), 0)),
        "{lines:?}"
    );
    assert!(
        lines.contains(&("/work/name.ics".to_owned(), 3)),
        "{lines:?}"
    );
    assert!(lines.iter().all(|(name, _)| name.len() < 5000));
}

#[tokio::test]
async fn pages_that_do_not_end_are_left_for_a_plain_listing() {
    let page = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |asked, out| {
        if asked.method == "REPORT" {
            let page = page.fetch_add(1, Ordering::SeqCst);
            let members = all((0..60_000).map(|n| {
                format!(
                    "<d:response><d:href>/work/{page}-{n}.ics</d:href>\
                         <d:status>HTTP/1.1 404 Not Found</d:status></d:response>"
                )
            }));
            let cut = "<d:response><d:href>/work/</d:href><d:status>HTTP/1.1 507 X</d:status></d:response>";
            return multistatus(
                out,
                &format!("{members}{cut}<d:sync-token>t{page}</d:sync-token>"),
            );
        }
        if asked.head.contains("\ndepth: 0") {
            // The report is there, its token is no property.
            return multistatus(
                out,
                "<d:response><d:href>/work/</d:href><d:propstat><d:prop><d:supported-report-set>\
                 <d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report>\
                 </d:supported-report-set></d:prop><d:status>HTTP/1.1 200 OK</d:status>\
                 </d:propstat></d:response>",
            );
        }
        multistatus(out, &listing(3))
    });
    let listed = calendar(&server).list(None).await.unwrap();
    assert_eq!(listed.items.len(), 3);
    assert!(server.asked() < 10, "{} requests", server.asked());
}

#[tokio::test]
async fn a_server_of_nothing_but_giants_is_not_asked_on_and_on() {
    let server = ScriptedServer::start(|_, out| {
        head(out, "Content-Length: 4000000000\r\n")?;
        out.write_all(b"<a>")
    });
    let wanted: Vec<_> = (0..2000)
        .map(|n| ResourceId::new(format!("/work/{n}.ics")))
        .collect();
    let error = calendar(&server).fetch(&wanted).await.unwrap_err();
    assert_eq!(error.code, "caldav_unreachable", "{error}");
    assert!(matches!(error.class, ErrorClass::Calendar), "{error:?}");
    assert!(server.asked() < 320, "{} requests", server.asked());
}

#[tokio::test]
async fn one_giant_among_many_is_one_giant() {
    let wanted: Vec<_> = (0..100)
        .map(|n| ResourceId::new(format!("/work/e{n}.ics")))
        .collect();
    let server = ScriptedServer::start(|asked, out| {
        let giant = |out: &mut dyn Write| {
            head(out, "Content-Length: 4000000000\r\n")?;
            out.write_all(b"<a>")
        };
        if asked.path.ends_with("/e77.ics") || asked.body.contains("/e77.ics") {
            return giant(out);
        }
        let object = |n: &str| ics(n, "Event");
        if asked.method == "GET" {
            let name = asked.path.trim_start_matches("/work/");
            return answer(out, 200, "ETag: \"1\"\r\n", object(name).as_bytes());
        }
        let found = all(asked
            .body
            .split("<href>")
            .skip(1)
            .map(|rest| {
                let href = rest.split('<').next().unwrap_or_default();
                format!(
                    "<d:response><d:href>{href}</d:href><d:propstat><d:prop>\
                     <d:getetag>\"1\"</d:getetag>\
                     <c:calendar-data xmlns:c=\"urn:ietf:params:xml:ns:caldav\">{}</c:calendar-data>\
                     </d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>",
                    object(href)
                )
            }));
        multistatus(out, &found)
    });
    let seen = calendar(&server).fetch(&wanted).await.unwrap();
    assert_eq!(seen.len(), 100);
    for seen in &seen {
        let giant = seen.resource().as_str().ends_with("/e77.ics");
        let expected = if giant { "unreadable" } else { "present" };
        assert_eq!(kind(seen), expected, "{:?}", seen.resource());
        if let Seen::Unreadable { reason, .. } = seen {
            assert!(reason.contains("larger than"), "{reason}");
        }
    }
    assert!(server.asked() < 20, "{} requests", server.asked());
}

fn home(out: &mut dyn Write, asked: &Asked, calendars: &str) -> io::Result<()> {
    let found = |props: &str| {
        format!(
            "<d:response><d:href>/</d:href><d:propstat><d:prop>{props}</d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )
    };
    let caldav = "xmlns:c=\"urn:ietf:params:xml:ns:caldav\"";
    if asked.body.contains("calendar-home-set") {
        let homes = "<d:href>/home/</d:href>".repeat(5000);
        return multistatus(
            out,
            &found(&format!(
                "<c:calendar-home-set {caldav}>{homes}</c:calendar-home-set>"
            )),
        );
    }
    if asked.body.contains("current-user-principal") {
        let principal =
            "<d:current-user-principal><d:href>/me/</d:href></d:current-user-principal>";
        return multistatus(out, &found(principal));
    }
    multistatus(out, calendars)
}

fn described(n: usize, name: &str) -> String {
    format!(
        "<d:response><d:href>/home/{n}/</d:href><d:propstat><d:prop><d:resourcetype>\
         <d:collection/><c:calendar xmlns:c=\"urn:ietf:params:xml:ns:caldav\"/></d:resourcetype>\
         <d:displayname>{name}</d:displayname></d:prop><d:status>HTTP/1.1 200 OK</d:status>\
         </d:propstat></d:response>"
    )
}

#[tokio::test]
async fn of_ten_thousand_calendars_a_thousand_are_shown() {
    let found = all((0..10_000).map(|n| described(n, &format!("Calendar {n}"))));
    let server = ScriptedServer::start(move |asked, out| home(out, asked, &found));
    let found = account(&server).discover().await.unwrap();
    assert_eq!(found.calendars.len(), 1000);
    assert_eq!(found.calendars[0].name, "Calendar 0");
    assert!(server.asked() < 10, "{} requests", server.asked());
}

#[tokio::test]
async fn a_calendar_s_name_is_one_short_line() {
    let long = "x".repeat(5000);
    let all = [
        described(1, "Two&#13;&#10;lines&#9;and a tab"),
        described(2, &long),
        described(3, &"y".repeat(100_000)),
    ]
    .concat();
    let server = ScriptedServer::start(move |asked, out| home(out, asked, &all));
    let found = account(&server).discover().await.unwrap();
    let names: Vec<&str> = found.calendars.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names[0], "Two  lines and a tab");
    assert_eq!(names[1].len(), 200);
    // What is absurdly long did not come: the place stands in.
    assert_eq!(names[2], "3");
}
