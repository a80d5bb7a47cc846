//! Small iCalendar objects with a time in the near future.

use jiff::{Timestamp, ToSpan as _};

/// A single event, so many hours from now, an hour long.
pub(crate) fn event(uid: &str, summary: &str, hours: i64) -> String {
    object(uid, summary, hours, "")
}

/// A daily series of five, beginning so many hours from now.
pub(crate) fn series(uid: &str, summary: &str, hours: i64) -> String {
    object(uid, summary, hours, "RRULE:FREQ=DAILY;COUNT=5\r\n")
}

/// The same series with its second occurrence two hours later and its third cancelled.
pub(crate) fn with_exceptions(uid: &str, summary: &str, hours: i64) -> String {
    let at = |more: i64| {
        let time = Timestamp::now()
            .checked_add((hours + more).hours())
            .unwrap();
        time.strftime("%Y%m%dT%H%M00Z").to_string()
    };
    let cancelled = format!("EXDATE:{}\r\n", at(48));
    let master = object(
        uid,
        summary,
        hours,
        &format!("RRULE:FREQ=DAILY;COUNT=5\r\n{cancelled}"),
    );
    let moved = format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:{}\r\n\
         SUMMARY:{summary}\r\nDTSTART:{}\r\nDTEND:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        at(24),
        at(26),
        at(27)
    );
    master.replace("END:VCALENDAR\r\n", &moved)
}

fn object(uid: &str, summary: &str, hours: i64, more: &str) -> String {
    let start = Timestamp::now().checked_add(hours.hours()).unwrap();
    let end = start.checked_add(1.hours()).unwrap();
    let at = |time: Timestamp| time.strftime("%Y%m%dT%H%M00Z").to_string();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261101T000000Z\r\nSUMMARY:{summary}\r\nDTSTART:{}\r\nDTEND:{}\r\n{more}\
         END:VEVENT\r\nEND:VCALENDAR\r\n",
        at(start),
        at(end)
    )
}
