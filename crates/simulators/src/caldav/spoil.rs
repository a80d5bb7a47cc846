//! What happens to an answer on its way out: spoiled XML, gzip and the ETags that proxies bend.

use std::fmt::Write as _;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, VARY};
use http::{Request, StatusCode};

use super::quirks::{Quirks, XmlMischief};
use super::reply::{self, Reply};

const ITEMS: usize = 100_000;

/// Spoils and compresses an answer as the quirks ask.
pub(super) fn spoil(quirks: &Quirks, request: &Request<Bytes>, reply: &mut Reply) {
    if let Some(how) = quirks.xml_mischief
        && reply.status() == StatusCode::MULTI_STATUS
    {
        let body = spoiled(how, reply.body());
        *reply.body_mut() = body.into();
    }
    let takes_gzip = request
        .headers()
        .get(ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("gzip"));
    if quirks.gzip && takes_gzip && !reply.body().is_empty() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder
            .write_all(reply.body())
            .and_then(|()| encoder.finish());
        let Ok(packed) = packed else { return };
        *reply.body_mut() = packed.into();
        reply::set(reply, CONTENT_ENCODING, "gzip");
        reply::set(reply, VARY, "Accept-Encoding");
        let etag = reply
            .headers()
            .get(ETAG)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_suffix('"'))
            .map(|v| format!("{v}-gzip\""));
        if quirks.gzip_etag_suffix
            && let Some(etag) = etag
        {
            reply::set(reply, ETAG, &etag);
        }
    }
}

fn spoiled(how: XmlMischief, body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let tree = text.split_once("?>").map_or(&*text, |(_, tree)| tree);
    let out = match how {
        XmlMischief::NotXml => "<html><body><p>Sign in<br></body>".to_owned(),
        XmlMischief::CutOff => text.chars().take(text.chars().count() / 2).collect(),
        XmlMischief::Doctype => format!("<?xml version=\"1.0\"?><!DOCTYPE multistatus>{tree}"),
        XmlMischief::EntityBomb => {
            let mut dtd = String::from("<!DOCTYPE d [<!ENTITY e0 \"lol\">");
            for n in 1..10 {
                let inner = format!("&e{};", n - 1).repeat(10);
                // Writing to a String cannot fail.
                write!(dtd, "<!ENTITY e{n} \"{inner}\">").ok();
            }
            format!("<?xml version=\"1.0\"?>{dtd}]><d>&e9;</d>")
        }
        XmlMischief::ManyAttributes => {
            let attrs: Vec<String> = (0..ITEMS).map(|n| format!(" a{n}=\"\"")).collect();
            format!("<d:multistatus xmlns:d=\"DAV:\"{}/>", attrs.concat())
        }
        XmlMischief::DeepNesting => format!(
            "<d:multistatus xmlns:d=\"DAV:\">{}{}</d:multistatus>",
            "<d:x>".repeat(ITEMS),
            "</d:x>".repeat(ITEMS)
        ),
        XmlMischief::LeadingBlanks => format!("\u{feff}\r\n\r\n{text}"),
    };
    out.into_bytes()
}
