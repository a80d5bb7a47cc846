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
