#![no_main]
//! A server's multistatus answer, whatever it is: parsed within its limits, into not much more
//! than was sent.

use caldav_client::multistatus::{DavError, Entry, Limits, Multistatus, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let answer = parse(data, &Limits::default());
    assert_eq!(answer, parse(data, &Limits::default()), "no chance in it");
    // An error's body comes from the same stranger.
    let error = DavError::parse(data);
    assert!(error.hrefs.len() <= data.len());

    if let Ok(answer) = answer {
        // Two bytes of entity at least for a byte of text, and some bytes of markup for each entry:
        // more text than was sent means that something is copied for every resource.
        assert!(
            size(&answer) <= data.len(),
            "a small answer does not become a large value"
        );
        let few = Limits {
            nodes: 4,
            ..Limits::default()
        };
        if parse(data, &few).is_ok() {
            assert!(answer.entries.len() <= 4, "the limit counts entries too");
        }
    }
});

/// Bytes of text in an answer.
fn size(answer: &Multistatus) -> usize {
    answer.entries.iter().map(text).sum::<usize>()
        + answer.sync_token.as_ref().map_or(0, String::len)
}

fn text(entry: &Entry) -> usize {
    let props = &entry.props;
    let one = [
        &props.name,
        &props.etag,
        &props.modified,
        &props.content_type,
        &props.data,
        &props.ctag,
        &props.sync_token,
        &props.color,
        &props.timezone,
        &props.timezone_id,
        &props.principal,
    ];
    let several = [
        Some(&entry.conditions),
        props.reports.as_ref(),
        props.privileges.as_ref(),
        props.components.as_ref(),
        Some(&props.homes),
        Some(&props.addresses),
        Some(&props.scheduling),
    ];
    let singles = one.into_iter().flatten().map(String::len).sum::<usize>();
    let lists = several.into_iter().flatten().flatten();
    entry.href.len() + singles + lists.map(String::len).sum::<usize>()
}
