//! The sample calendars of the demo: two of them, around today, of many shapes.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use super::entry::{Entry, Moved, When};

/// A calendar and what is in it.
#[derive(Debug)]
pub(super) struct SampleCalendar {
    /// Path segment on the server.
    pub(super) slug: &'static str,
    /// What people call it; also the title of the Google calendar it goes to.
    pub(super) name: &'static str,
    /// `#rrggbb`.
    pub(super) color: &'static str,
    /// Its events.
    pub(super) entries: Vec<Entry>,
}

/// Both calendars, for somebody who looks on `today`.
pub(super) fn calendars(today: Date) -> Vec<SampleCalendar> {
    vec![
        SampleCalendar {
            slug: "work",
            name: "Work",
            color: "#2952a3",
            entries: work(today),
        },
        SampleCalendar {
            slug: "family",
            name: "Family",
            color: "#0d7813",
            entries: family(today),
        },
    ]
}

/// A local time so many days from today.
fn at(today: Date, days: i64, hour: i8, minute: i8) -> DateTime {
    day(today, days).at(hour, minute, 0, 0)
}

fn day(today: Date, days: i64) -> Date {
    today.checked_add(days.days()).unwrap_or(today)
}

/// The first Monday on or after today.
fn monday(today: Date) -> Date {
    let ahead = i64::from(7 - today.weekday().to_monday_zero_offset()) % 7;
    day(today, ahead)
}

fn work(today: Date) -> Vec<Entry> {
    let monday = monday(today);
    let timed = |days, hour, minute, minutes| When::Timed(at(today, days, hour, minute), minutes);
    let mut standup = Entry::new(
        "work-standup",
        "Stand-up",
        When::Timed(at(monday, -7, 9, 15), 15),
    )
    .repeats("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
    .at("Room Ada")
    .about("What we did, what we do, what is in the way.");
    standup.cancelled.push(at(monday, 4, 9, 15));
    standup.moved.push(Moved {
        original: at(monday, 2, 9, 15),
        start: at(monday, 2, 11, 0),
        summary: "Stand-up (later, because of the delivery)".to_owned(),
    });
    let mut review = Entry::new(
        "work-review",
        "Review of the month",
        When::Timed(at(monday, 3, 14, 0), 90),
    )
    .repeats("FREQ=MONTHLY;COUNT=6")
    .at("Big hall");
    review.lines.push("CATEGORIES:REVIEW");
    vec![
        standup,
        review,
        Entry::new(
            "work-planning",
            "Planning",
            When::Timed(at(monday, 0, 10, 0), 120),
        )
        .repeats("FREQ=WEEKLY;INTERVAL=2")
        .at("Room Grace")
        .about("Bring: numbers, doubts & a pen; the rest <is> there."),
        Entry::new("work-dentist", "Dentist", timed(1, 8, 0, 45)).line("CLASS:PRIVATE"),
        Entry::new("work-lunch", "Lunch with Noor", timed(1, 12, 30, 60)).at("Café Zimt"),
        Entry::new("work-call", "Call with Lisbon", timed(2, 16, 0, 30))
            .about("https://meet.example.org/lisbon"),
        Entry::new(
            "work-interview",
            "Interview: night shift",
            timed(3, 23, 0, 120),
        ),
        Entry::new("work-trip", "Trip to Oslo", When::Days(day(today, 8), 3)).at("Oslo"),
        Entry::new(
            "work-release",
            "Release day 🚀",
            When::Days(day(today, 5), 1),
        )
        .line("TRANSP:TRANSPARENT"),
        Entry::new(
            "work-maybe",
            "Perhaps: workshop on names",
            timed(9, 13, 0, 180),
        )
        .line("STATUS:TENTATIVE"),
        Entry::new(
            "work-focus",
            "Quiet hours",
            When::Timed(at(monday, 1, 13, 0), 120),
        )
        .repeats("FREQ=WEEKLY;BYDAY=TU,TH;COUNT=8"),
    ]
}

fn family(today: Date) -> Vec<Entry> {
    let monday = monday(today);
    let timed = |days, hour, minute, minutes| When::Timed(at(today, days, hour, minute), minutes);
    let mut piano = Entry::new(
        "family-piano",
        "Piano lesson",
        When::Timed(at(monday, -6, 16, 30), 45),
    )
    .repeats("FREQ=WEEKLY")
    .at("Music school, room 3");
    piano.moved.push(Moved {
        original: at(monday, 1, 16, 30),
        start: at(monday, 2, 17, 0),
        summary: "Piano lesson (concert rehearsal)".to_owned(),
    });
    let mut swimming = Entry::new(
        "family-swimming",
        "Swimming",
        When::Timed(at(monday, -2, 10, 0), 90),
    )
    .repeats("FREQ=WEEKLY;COUNT=12")
    .at("Lido");
    swimming.cancelled.push(at(monday, 5, 10, 0));
    vec![
        piano,
        swimming,
        Entry::new(
            "family-birthday",
            "Birthday: Grandma",
            When::Days(day(today, 12 - 366), 1),
        )
        .repeats("FREQ=YEARLY"),
        Entry::new("family-bins", "Paper bin out", When::Days(day(today, 2), 1))
            .repeats("FREQ=WEEKLY;INTERVAL=2")
            .line("TRANSP:TRANSPARENT"),
        Entry::new(
            "family-holiday",
            "School holidays",
            When::Days(day(today, 14), 12),
        )
        .line("TRANSP:TRANSPARENT"),
        Entry::new("family-cinema", "Cinema", timed(4, 20, 15, 130)).at("Odeon"),
        Entry::new("family-parents", "Parents' evening", timed(6, 19, 0, 90))
            .at("School, 1st floor")
            .about("Class 4b.\nAsk about the trip."),
        Entry::new("family-brunch", "Brunch at ours", timed(7, 11, 0, 180)),
        Entry::new("family-train", "Train to the sea", timed(10, 6, 48, 312)).at("Main station"),
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_exception_belongs_to_its_series() {
        for ahead in 0..7 {
            let today = date(2026, 11, 20) + ahead.days();
            for calendar in calendars(today) {
                for entry in &calendar.entries {
                    let exceptions = entry
                        .cancelled
                        .iter()
                        .chain(entry.moved.iter().map(|m| &m.original));
                    for exception in exceptions {
                        let When::Timed(start, _) = entry.when else {
                            panic!("{} has exceptions and no time", entry.uid);
                        };
                        assert_eq!(exception.time(), start.time(), "{}", entry.uid);
                        assert!(*exception > start, "{}", entry.uid);
                    }
                    assert!(entry.ics(Timestamp::UNIX_EPOCH).contains("END:VCALENDAR"));
                }
            }
        }
    }

    #[test]
    fn mondays_are_found() {
        for ahead in 0..7 {
            let today = date(2026, 11, 20) + ahead.days();
            let found = monday(today);
            assert_eq!(found.weekday(), jiff::civil::Weekday::Monday);
            assert!((today..today + 7.days()).contains(&found));
        }
    }
}
