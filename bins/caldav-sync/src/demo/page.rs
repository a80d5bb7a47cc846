//! The demo's window on the simulated Google: an agenda of its calendars, read-only, that loads
//! itself again every few seconds. A server of its own on a port of its own: it is no part of the
//! product.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse, HttpServer};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;
use simulators::google::GoogleSim;

use super::entry::ZONE;

/// Days shown.
const DAYS: i64 = 31;
/// Edits remembered.
const NEWS: usize = 6;
/// Seconds until the page loads itself again.
const REFRESH: u32 = 3;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1f1f1f;background:#fff;\
    max-width:72rem;margin:1.5rem auto;padding:0 1rem}h1{font-size:1.5rem;margin:0}\
    header p{margin:.25rem 0 1rem;color:#555}a{color:#0b57d0}\
    main{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.5rem}\
    section{border:1px solid #c7c7c7;border-radius:.5rem;padding:0 1rem 1rem}\
    h2{font-size:1.15rem}h3{font-size:.95rem;margin:1rem 0 .25rem;color:#444}\
    ul{list-style:none;margin:0;padding:0}#news{margin-bottom:1rem}li{padding:.15rem 0}\
    .time{display:inline-block;min-width:7.5rem;color:#444;font-variant-numeric:tabular-nums}\
    .note{font-size:.8rem;color:#555;border:1px solid #c7c7c7;border-radius:.5rem;padding:0 .4rem}\
    del{color:#6b6b6b}\
    @media(prefers-color-scheme:dark){body{background:#131314;color:#e3e3e3}\
    header p,h3,.time,.note,del{color:#b8b8b8}a{color:#a8c7fa}}";

/// What the page shows.
#[derive(Debug)]
pub(super) struct Window {
    /// The simulated Google.
    pub(super) google: Arc<GoogleSim>,
    /// Whose calendars.
    pub(super) account: &'static str,
    /// Calendars: id and title.
    pub(super) calendars: Vec<(&'static str, &'static str)>,
    /// Where the dashboard is.
    pub(super) dashboard: String,
    /// What people did.
    pub(super) news: Arc<News>,
}

/// What people did last, newest first.
#[derive(Debug, Default)]
pub(super) struct News(Mutex<VecDeque<String>>);

impl News {
    /// Remembers a line; the oldest goes.
    pub(super) fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_front(line);
        lines.truncate(NEWS);
    }

    fn html(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().fold(String::new(), |mut out, line| {
            let _ = write!(out, "<li>{}</li>", escape(line));
            out
        })
    }
}

/// Serves the page. The server ends by its handle.
pub(super) fn serve(listener: TcpListener, window: Window) -> io::Result<(Server, ServerHandle)> {
    let window = Data::new(window);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(window.clone())
            .route("/", get().to(show))
            .route("/style.css", get().to(style))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok((server, handle))
}

async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(STYLE)
}

async fn show(window: Data<Window>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
        ))
        .body(html(&window, Timestamp::now()))
}

fn html(window: &Window, now: Timestamp) -> String {
    let mut sections = String::new();
    for (id, title) in &window.calendars {
        let events = events(window, id, now);
        let _ = write!(
            sections,
            "<section data-calendar=\"{}\"><h2>{}</h2>",
            escape(id),
            escape(title)
        );
        agenda(&mut sections, &events, now);
        sections.push_str("</section>");
    }
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"refresh\" content=\"{REFRESH}\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Simulated Google Calendar</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\
         <body><header><h1>Simulated Google Calendar</h1><p>What {account} would see at Google, \
         from now on for {DAYS} days; times in {ZONE}. Nothing here leaves this computer. \
         <a href=\"{dashboard}\">To the dashboard of caldav-sync</a></p></header>\
         <h2>What people did last</h2><ul id=\"news\">{news}</ul>\
         <main>{sections}</main></body></html>",
        account = escape(window.account),
        dashboard = escape(&window.dashboard),
        news = window.news.html(),
    )
}

/// The calendar's occurrences as Google expands them, cancelled ones too.
fn events(window: &Window, calendar: &str, now: Timestamp) -> Vec<Value> {
    let until = now.checked_add((DAYS * 24).hours()).unwrap_or(now);
    let (from, until) = (now.to_string(), until.to_string());
    let query = [
        ("singleEvents", "true"),
        ("showDeleted", "true"),
        ("maxResults", "2500"),
        ("timeMin", from.as_str()),
        ("timeMax", until.as_str()),
        ("timeZone", ZONE),
    ];
    match window.google.as_user(window.account).list(calendar, &query) {
        Ok(Value::Object(mut answer)) => match answer.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        Ok(_) => Vec::new(),
        Err(error) => {
            tracing::warn!(error = %error, "the simulated calendar cannot be shown");
            Vec::new()
        }
    }
}

/// One line of the agenda.
struct Line {
    /// Sorts the day: whole days first.
    key: String,
    html: String,
}

fn agenda(out: &mut String, events: &[Value], now: Timestamp) {
    let today = now
        .in_tz(ZONE)
        .map_or_else(|_| Date::default(), |now| now.date());
    let mut days: BTreeMap<Date, Vec<Line>> = BTreeMap::new();
    for event in events {
        if let Some((day, line)) = line(event) {
            days.entry(day.max(today)).or_default().push(line);
        }
    }
    if days.is_empty() {
        out.push_str("<p>No events yet: they arrive with the first sync.</p>");
    }
    for (day, mut lines) in days {
        lines.sort_by(|one, other| one.key.cmp(&other.key));
        let _ = write!(out, "<h3>{}</h3><ul>", day.strftime("%A, %-d %B"));
        for line in lines {
            out.push_str(&line.html);
        }
        out.push_str("</ul>");
    }
}

fn line(event: &Value) -> Option<(Date, Line)> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let cancelled = text("status") == "cancelled";
    let series = event.get("recurringEventId").is_some();
    // A deleted single event is gone; a cancelled instance is worth showing.
    if cancelled && !series {
        return None;
    }
    let original = event.get("originalStartTime");
    let (day, time) = moment(event.get("start").or(original)?)?;
    let shown = match (&time, event.get("end").and_then(moment)) {
        (None, Some((end, None))) => match end.yesterday() {
            Ok(last) if last > day => format!("until {}", last.strftime("%-d %b")),
            _ => "all day".to_owned(),
        },
        (None, _) => "all day".to_owned(),
        (Some(start), Some((_, Some(end)))) => format!("{start}–{end}"),
        (Some(start), _) => start.clone(),
    };
    let summary = escape(match text("summary") {
        "" if cancelled => "an instance",
        "" => "(no title)",
        summary => summary,
    });
    let mut html = format!("<li><span class=\"time\">{}</span> ", escape(&shown));
    if cancelled {
        let _ = write!(
            html,
            "<del>{summary}</del> <span class=\"note\">cancelled</span>"
        );
    } else {
        html.push_str(&summary);
        let moved = series && original.and_then(moment) != Some((day, time.clone()));
        for (holds, note) in [
            (moved, "moved"),
            (series && !moved, "series"),
            (text("status") == "tentative", "tentative"),
            (text("visibility") == "private", "private"),
        ] {
            if holds {
                let _ = write!(html, " <span class=\"note\">{note}</span>");
            }
        }
    }
    html.push_str("</li>");
    let key = format!("{} {summary}", time.unwrap_or_default());
    Some((day, Line { key, html }))
}

/// A start or end: its day in our zone and, unless it is a whole day, its time.
fn moment(value: &Value) -> Option<(Date, Option<String>)> {
    if let Some(date) = value.get("date").and_then(Value::as_str) {
        return Some((date.parse().ok()?, None));
    }
    let time: Timestamp = value.get("dateTime")?.as_str()?.parse().ok()?;
    let local = time.in_tz(ZONE).ok()?;
    Some((local.date(), Some(local.strftime("%H:%M").to_string())))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_text_and_say_what_they_are() {
        let at = |time: &str| json!({ "dateTime": time });
        let events = [
            json!({ "status": "confirmed", "summary": "<script>alert(1)</script>",
                    "start": { "date": "2026-11-25" }, "end": { "date": "2026-11-27" } }),
            json!({ "status": "confirmed", "summary": "Moved", "recurringEventId": "s",
                    "originalStartTime": at("2026-11-25T09:00:00Z"),
                    "start": at("2026-11-25T10:00:00Z"), "end": at("2026-11-25T11:00:00Z") }),
            json!({ "status": "cancelled", "recurringEventId": "s",
                    "originalStartTime": at("2026-11-26T09:00:00Z") }),
            json!({ "status": "cancelled", "id": "gone" }),
        ];
        let mut out = String::new();
        agenda(&mut out, &events, "2026-11-22T10:00:00Z".parse().unwrap());
        assert!(!out.contains("<script>"), "{out}");
        assert!(out.contains("until 26 Nov"), "{out}");
        assert!(
            out.contains("11:00–12:00</span> Moved <span class=\"note\">moved"),
            "{out}"
        );
        assert!(out.contains("<del>an instance</del>"), "{out}");
        assert_eq!(out.matches("<li>").count(), 3, "{out}");
    }
}
