//! Just enough iCalendar for a server: what must be checked on PUT, and the rewrites some servers
//! make.
//!
//! Deliberately independent of `ical-model`, so that a mistake there is not mirrored by the
//! server its users are tested against.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::quirks::Rewrite;

/// What a server needs to know about a calendar object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// The one UID of the object.
    pub(super) uid: String,
    /// `VEVENT`, `VTODO` or `VJOURNAL`.
    pub(super) component: String,
}

/// One logical line: name, raw parameters (with their leading `;`), value.
#[derive(Clone, Debug)]
struct Line {
    name: String,
    params: String,
    value: String,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = text.char_indices().find_map(|(at, c)| {
            if c == '"' {
                quoted = !quoted;
            }
            (c == ':' && !quoted).then_some(at)
        })?;
        let (head, value) = text.split_at(colon);
        let (name, params) = head.find(';').map_or((head, ""), |at| head.split_at(at));
        Some(Self {
            name: name.to_ascii_uppercase(),
            params: params.to_owned(),
            value: value.get(1..).unwrap_or_default().to_owned(),
        })
    }

    fn param(&self, key: &str) -> Option<&str> {
        self.params.split(';').find_map(|p| {
            let (k, v) = p.split_once('=')?;
            k.eq_ignore_ascii_case(key).then(|| v.trim_matches('"'))
        })
    }

    fn text(&self) -> String {
        format!("{}{}:{}", self.name, self.params, self.value)
    }
}

fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for raw in text.split('\n') {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if let (Some(rest), Some(last)) = (raw.strip_prefix([' ', '\t']), lines.last_mut()) {
            last.push_str(rest);
        } else if !raw.is_empty() {
            lines.push(raw.to_owned());
        }
    }
    lines
}

fn lines(text: &str) -> Option<Vec<Line>> {
    unfold(text).iter().map(|l| Line::parse(l)).collect()
}

/// Checks a body as RFC 4791 5.3.2 asks of a server.
///
/// The error says what is wrong, in words.
pub(super) fn scan(body: &[u8]) -> Result<Scan, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = lines(text).ok_or("a line without a colon")?;
    let mut stack: Vec<String> = Vec::new();
    let mut found = Scan::default();
    let (mut has_uid, mut has_start, mut closed) = (false, false, false);
    for line in &lines {
        if closed {
            return Err("more than one VCALENDAR");
        }
        match line.name.as_str() {
            "BEGIN" => {
                let name = line.value.trim().to_ascii_uppercase();
                if stack.is_empty() && name != "VCALENDAR" {
                    return Err("not a VCALENDAR");
                }
                if stack.len() == 1 && name != "VTIMEZONE" {
                    if !matches!(name.as_str(), "VEVENT" | "VTODO" | "VJOURNAL") {
                        return Err("a component that cannot be stored");
                    }
                    if !found.component.is_empty() && found.component != name {
                        return Err("two kinds of component in one object");
                    }
                    found.component.clone_from(&name);
                    (has_uid, has_start) = (false, false);
                }
                stack.push(name);
            }
            "END" => {
                let name = line.value.trim().to_ascii_uppercase();
                if stack.pop().as_ref() != Some(&name) {
                    return Err("unbalanced BEGIN and END");
                }
                if stack.len() == 1 && name == found.component {
                    if !has_uid {
                        return Err("a component without UID");
                    }
                    if name == "VEVENT" && !has_start {
                        return Err("a VEVENT without DTSTART");
                    }
                }
                closed = stack.is_empty();
            }
            "UID" if stack.len() == 2 && stack.last() == Some(&found.component) => {
                if !found.uid.is_empty() && found.uid != line.value {
                    return Err("two UIDs in one object");
                }
                found.uid.clone_from(&line.value);
                has_uid = !line.value.trim().is_empty();
            }
            "DTSTART" if stack.len() == 2 => has_start = true,
            _ if stack.is_empty() => return Err("text outside VCALENDAR"),
            _ => {}
        }
    }
    if !closed {
        return Err("no END:VCALENDAR");
    }
    if found.component.is_empty() {
        return Err("no component");
    }
    Ok(found)
}

/// The first UID of a body that need not be valid.
pub(super) fn any_uid(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    unfold(&text)
        .iter()
        .filter_map(|l| Line::parse(l))
        .find(|l| l.name == "UID")
        .map(|l| l.value)
}

/// Applies the rewrites in order; a body that cannot be read stays as it is.
pub(super) fn rewrite(body: &[u8], rewrites: &[Rewrite]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else {
        return body.to_vec();
    };
    let mut text = text.to_owned();
    for how in rewrites {
        if *how == Rewrite::LineEndings {
            text = text.replace("\r\n", "\n");
            continue;
        }
        let Some(mut all) = lines(&text) else {
            return body.to_vec();
        };
        match how {
            Rewrite::Reorder => reorder(&mut all),
            Rewrite::AddTimezone => add_timezones(&mut all),
            Rewrite::ScheduleStatus => {
                for line in all.iter_mut().filter(|l| l.name == "ATTENDEE") {
                    if line.param("SCHEDULE-STATUS").is_none() {
                        line.params.push_str(";SCHEDULE-STATUS=1.1");
                    }
                }
            }
            Rewrite::Lossy => {
                all.retain(|l| l.name != "GEO");
                for line in &mut all {
                    line.params = line
                        .params
                        .split(';')
                        .filter(|p| !p.starts_with("X-"))
                        .collect::<Vec<_>>()
                        .join(";");
                }
            }
            Rewrite::Prodid => {
                for line in all.iter_mut().filter(|l| l.name == "PRODID") {
                    "-//Simulated//CalDAV//EN".clone_into(&mut line.value);
                }
            }
            Rewrite::LineEndings => {}
        }
        text = all.iter().map(|l| fold(&l.text())).collect();
    }
    text.into_bytes()
}

fn fold(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 2);
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        width += c.len_utf8();
        out.push(c);
    }
    out.push_str("\r\n");
    out
}

/// Sorts each run of properties between BEGIN and END lines by name (stable, so repeated
/// properties keep their order).
fn reorder(lines: &mut [Line]) {
    let is_edge = |l: &Line| l.name == "BEGIN" || l.name == "END";
    for run in lines.split_mut(is_edge) {
        run.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// Adds a VTIMEZONE with the zone's present standard offset for each TZID without one. Good
/// enough for what the test needs: an object that came back larger than it went.
fn add_timezones(lines: &mut Vec<Line>) {
    let mut wanted: Vec<String> = lines
        .iter()
        .filter(|l| l.name != "TZID")
        .filter_map(|l| l.param("TZID").map(str::to_owned))
        .collect();
    wanted.sort();
    wanted.dedup();
    wanted.retain(|id| {
        !lines
            .iter()
            .any(|l| l.name == "TZID" && l.value.trim() == id)
    });
    let Some(at) = lines
        .iter()
        .position(|l| l.name == "BEGIN" && l.value.trim() != "VCALENDAR")
    else {
        return;
    };
    let mut added = Vec::new();
    for id in wanted {
        let Ok(zone) = TimeZone::get(&id) else {
            continue;
        };
        let january = civil::date(2026, 1, 1).to_zoned(zone);
        let Ok(january) = january else { continue };
        let seconds = january.offset().seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        let offset = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
        for (name, value) in [
            ("BEGIN", "VTIMEZONE"),
            ("TZID", id.as_str()),
            ("BEGIN", "STANDARD"),
            ("DTSTART", "19700101T000000"),
            ("TZOFFSETFROM", offset.as_str()),
            ("TZOFFSETTO", offset.as_str()),
            ("END", "STANDARD"),
            ("END", "VTIMEZONE"),
        ] {
            added.push(Line {
                name: name.to_owned(),
                params: String::new(),
                value: value.to_owned(),
            });
        }
    }
    lines.splice(at..at, added);
}

/// When an object touches time, roughly: its first start and first end, and whether it recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) recurs: bool,
}

/// The span of the first VEVENT (or VTODO). Without a readable DTSTART there is none.
pub(super) fn span(body: &[u8]) -> Option<Span> {
    let text = String::from_utf8_lossy(body);
    let lines = lines(&text)?;
    let begin = lines.iter().position(|l| {
        l.name == "BEGIN" && matches!(l.value.trim(), "VEVENT" | "VTODO" | "VJOURNAL")
    })?;
    let component = lines.get(begin..)?;
    let get = |name: &str| component.iter().find(|l| l.name == name);
    let start = get("DTSTART").and_then(instant)?;
    let end = get("DTEND").or_else(|| get("DUE")).and_then(instant);
    Some(Span {
        start,
        end: end.unwrap_or(start).max(start),
        recurs: get("RRULE").is_some() || get("RDATE").is_some(),
    })
}

fn instant(line: &Line) -> Option<Timestamp> {
    let zone = line
        .param("TZID")
        .and_then(|id| TimeZone::get(id).ok())
        .unwrap_or(TimeZone::UTC);
    parse_instant(line.value.trim(), &zone)
}

/// Reads `20261122`, `20261122T100000` (in `zone`) or `20261122T100000Z`.
pub(super) fn parse_instant(value: &str, zone: &TimeZone) -> Option<Timestamp> {
    let local = value.trim_end_matches('Z');
    let zone = if local.len() < value.len() {
        TimeZone::UTC
    } else {
        zone.clone()
    };
    let moment = if local.contains('T') {
        civil::DateTime::strptime("%Y%m%dT%H%M%S", local).ok()?
    } else {
        civil::Date::strptime("%Y%m%d", local)
            .ok()?
            .to_datetime(civil::Time::midnight())
    };
    Some(moment.to_zoned(zone).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\n\
        UID:a\r\nDTSTART;TZID=Europe/Berlin:20261201T100000\r\nATTENDEE;CN=\"a:b\":mailto:x\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn a_plain_event_scans() {
        let scan = scan(PLAIN.as_bytes()).unwrap();
        assert_eq!(
            (scan.uid.as_str(), scan.component.as_str()),
            ("a", "VEVENT")
        );
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        for (from, to, why) in [
            ("END:VCALENDAR\r\n", "", "no END:VCALENDAR"),
            ("UID:a\r\n", "", "a component without UID"),
            ("DTSTART;", "X-START;", "a VEVENT without DTSTART"),
            ("VERSION", "garbage\r\nVERSION", "a line without a colon"),
            ("VCALENDAR", "VCARD", "not a VCALENDAR"),
        ] {
            assert_eq!(scan(PLAIN.replace(from, to).as_bytes()), Err(why));
        }
        assert_eq!(scan(b"\xff:"), Err("not UTF-8"));
    }

    #[test]
    fn rewrites_change_the_text_and_keep_it_valid() {
        let all = [
            Rewrite::Reorder,
            Rewrite::AddTimezone,
            Rewrite::ScheduleStatus,
            Rewrite::Lossy,
            Rewrite::Prodid,
        ];
        for how in all {
            let out = rewrite(PLAIN.as_bytes(), &[how]);
            assert!(scan(&out).is_ok(), "{how:?}");
        }
        let out = String::from_utf8(rewrite(PLAIN.as_bytes(), &all)).unwrap();
        assert!(out.contains("TZOFFSETTO:+0100"), "{out}");
        assert!(out.contains("SCHEDULE-STATUS=1.1:mailto:x"), "{out}");
        assert!(out.contains("PRODID:-//Simulated"), "{out}");
    }

    #[test]
    fn spans_know_zones() {
        let span = span(PLAIN.as_bytes()).unwrap();
        assert_eq!(span.start.to_string(), "2026-12-01T09:00:00Z");
        assert!(!span.recurs);
    }
}
