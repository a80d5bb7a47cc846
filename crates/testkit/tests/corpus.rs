//! The corpus is what it says: accepted by real servers, read by an expander that is not ours,
//! with occurrences where they are promised.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use testkit::{CorpusItem, RADICALE_REFUSES, Radicale, RawDav, Xandikos, corpus, expand_ics};

fn midnight(date: Date) -> Timestamp {
    date.in_tz("UTC").map(|z| z.timestamp()).unwrap_or_default()
}

#[test]
fn every_promised_object_occurs_in_the_thirty_days() {
    for base in [
        date(2026, 11, 22),
        date(2026, 12, 25),
        date(2027, 2, 1),
        date(2028, 2, 29),
    ] {
        let items = corpus(base);
        assert!(items.len() >= 70);
        let texts: Vec<&str> = items.iter().map(|i| i.ics.as_str()).collect();
        let found = expand_ics(&texts, midnight(base), midnight(base + 30.days()), "UTC");
        let failed: Vec<&str> = found
            .errors
            .iter()
            .map(|(n, _)| items[*n].name.as_str())
            .collect();
        let occurring: BTreeSet<usize> = found.occurrences.iter().map(|o| o.input).collect();
        let wrong: Vec<&str> = items
            .iter()
            .enumerate()
            .filter(|(n, i)| {
                let promised =
                    !i.is_odd() && i.kind() != "outside" && !i.name.starts_with("dst-single");
                promised != occurring.contains(n) && (promised || i.kind() == "outside")
            })
            .map(|(_, i)| i.name.as_str())
            .collect();
        assert!(failed.is_empty(), "{base}: cannot be expanded: {failed:?}");
        assert!(wrong.is_empty(), "{base}: not as promised: {wrong:?}");
    }
}

async fn refused(dav: &RawDav, calendar: &str, items: &[CorpusItem]) -> Vec<String> {
    dav.mkcalendar(calendar, "Corpus").await;
    let mut refused = Vec::new();
    for item in items {
        let path = format!("{calendar}{}.ics", item.name);
        let headers = [("content-type", "text/calendar; charset=utf-8")];
        let answer = dav.request("PUT", &path, &headers, &item.ics).await;
        if answer.status != 201 {
            assert_eq!(answer.status, 400, "{}", item.name);
            refused.push(item.name.clone());
        }
    }
    refused
}

#[tokio::test]
async fn radicale_takes_what_is_said() {
    let server = Radicale::start();
    let path = server.calendar_path("alice", "corpus");
    let refused = refused(&server.dav("alice"), &path, &corpus(date(2026, 11, 22))).await;
    assert_eq!(refused, RADICALE_REFUSES);
}

#[tokio::test]
async fn xandikos_takes_all() {
    // The plain ones are taken for granted: it stores only twenty objects a second.
    let mut items = corpus(date(2026, 11, 22));
    items.retain(|i| ["odd", "override", "text"].contains(&i.kind()) || i.name == "rdate-period");
    let server = Xandikos::start();
    let dav = server.dav("alice");
    let _home = dav.request("PROPFIND", "/", &[("depth", "0")], "").await;
    let path = server.calendar_path("alice", "corpus");
    let refused = refused(&dav, &path, &items).await;
    assert!(refused.is_empty(), "{refused:?}");
}
