//! Answers: plain statuses, `DAV:error` bodies, multistatus documents.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::quirks::XmlStyle;
use super::xml::El;

/// An answer with its whole body.
pub(super) type Reply = Response<Bytes>;

/// A status without a body.
pub(super) fn status(code: u16) -> Reply {
    text(code, "")
}

/// A status with a text body.
pub(super) fn text(code: u16, body: &str) -> Reply {
    let mut reply = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !body.is_empty() {
        set(&mut reply, CONTENT_TYPE, "text/plain; charset=utf-8");
    }
    reply
}

/// A status with a `DAV:error` document that names the violated condition.
pub(super) fn error(code: u16, condition: El) -> Reply {
    let document = El::dav("error").child(condition).document(XmlStyle::Usual);
    xml(code, document)
}

/// An XML document.
pub(super) fn xml(code: u16, document: Vec<u8>) -> Reply {
    let mut reply = status(code);
    *reply.body_mut() = document.into();
    set(&mut reply, CONTENT_TYPE, "application/xml; charset=utf-8");
    reply
}

/// Sets a header; a value that cannot be one is left out.
pub(super) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// `<d:status>` with a status line.
pub(super) fn status_line(code: u16) -> El {
    let reason = StatusCode::from_u16(code)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Unknown");
    El::dav("status").text(format!("HTTP/1.1 {code} {reason}"))
}

/// `<d:response>` with a status and no properties.
pub(super) fn gone(href: &str, code: u16) -> El {
    El::dav("response")
        .child(El::href(href))
        .child(status_line(code))
}

/// `<d:propstat>`, or nothing when there are no properties.
pub(super) fn propstat(code: u16, props: Vec<El>) -> Option<El> {
    if props.is_empty() {
        return None;
    }
    Some(
        El::dav("propstat")
            .child(El::dav("prop").children(props))
            .child(status_line(code)),
    )
}
