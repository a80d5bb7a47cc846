//! Property lines from values: TEXT, dates and times in their zones, recurrences.

use sync_engine::model::time::{LocalTime, Timestamp};
use sync_engine::model::{
    RecurrenceId, Sensitivity, Status, Text, Transparency, When, Zone, ZoneName,
};
use sync_engine::recurrence::{ExtraDate, OriginalStart, Recurrence, original_start};

use crate::line::text::escape;
use crate::line::{Line, Param, write_value};
use crate::read::Moment;
use crate::value::{write_date, write_wall};

/// A TEXT property.
pub(super) fn text(name: &str, text: &Text) -> Line<'static> {
    raw_text(name, text.as_str())
}

/// A TEXT property of text in no normal form.
pub(super) fn raw_text(name: &str, text: &str) -> Line<'static> {
    Line::build(name.as_bytes(), escape(text).as_bytes())
}

/// A property whose value needs no escapes.
pub(super) fn plain(name: &str, value: &str) -> Line<'static> {
    Line::build(name.as_bytes(), value.as_bytes())
}

/// A property in UTC.
pub(super) fn stamp(name: &str, at: Timestamp) -> Line<'static> {
    plain(name, &write_utc(at))
}

/// `20261201T093000Z`.
fn write_utc(at: Timestamp) -> String {
    format!("{}Z", write_wall(jiff::tz::Offset::UTC.to_datetime(at)))
}

/// The words of STATUS.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Confirmed => "CONFIRMED",
        Status::Tentative => "TENTATIVE",
        Status::Cancelled => "CANCELLED",
    }
}

/// The words of TRANSP.
pub(super) fn transparency(transparency: Transparency) -> &'static str {
    match transparency {
        Transparency::Busy => "OPAQUE",
        Transparency::Free => "TRANSPARENT",
    }
}

/// The words of CLASS.
pub(super) fn sensitivity(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Public => "PUBLIC",
        Sensitivity::Private => "PRIVATE",
        Sensitivity::Confidential => "CONFIDENTIAL",
    }
}

/// A moment as a property's value, with the parameters that go with it.
pub(super) struct Written {
    /// `;VALUE=DATE`, `;TZID=Europe/Berlin` or nothing.
    pub(super) parameters: String,
    pub(super) value: String,
}

/// Writes a moment. `tzid` spells the zone's name where that is not the database's own.
pub(super) fn moment(moment: &Moment, tzid: Option<&str>) -> Written {
    match moment {
        Moment::Date(date) => Written {
            parameters: ";VALUE=DATE".to_owned(),
            value: write_date(*date),
        },
        Moment::Time(time) => match &time.zone {
            Zone::Floating => Written {
                parameters: String::new(),
                value: write_wall(time.wall),
            },
            Zone::Named(zone) if zone.is_utc() => Written {
                parameters: String::new(),
                value: format!("{}Z", write_wall(time.wall)),
            },
            Zone::Named(zone) => {
                let mut parameters = ";TZID=".to_owned();
                write_value(&mut parameters, tzid.unwrap_or_else(|| zone.as_str()));
                Written {
                    parameters,
                    value: write_wall(time.wall),
                }
            }
        },
    }
}

/// A property that is one moment, with further parameters kept from the line it replaces.
pub(super) fn moment_line(
    name: &str,
    at: &Moment,
    tzid: Option<&str>,
    kept: &[Param],
) -> Line<'static> {
    let written = moment(at, tzid);
    let mut header = name.as_bytes().to_vec();
    header.extend_from_slice(written.parameters.as_bytes());
    for parameter in kept {
        header.push(b';');
        header.extend_from_slice(&parameter.raw);
    }
    Line::build(&header, written.value.as_bytes())
}

/// Start and end of a when.
pub(super) fn ends(when: &When) -> (Moment, Moment) {
    match when {
        When::AllDay { start, end } => (Moment::Date(*start), Moment::Date(*end)),
        When::Timed { start, end } => (Moment::Time(start.clone()), Moment::Time(end.clone())),
    }
}

/// The original start of `id` as RECURRENCE-ID and EXDATE of `master` write it.
pub(super) fn original(master: &When, id: RecurrenceId, floating: &ZoneName) -> Moment {
    match original_start(master, id, floating) {
        OriginalStart::Date(date) => Moment::Date(date),
        OriginalStart::At(time) => Moment::Time(time),
    }
}

/// How the zone of a moment is spelled, where that is not the database's own name.
pub(super) type Spelling<'s> = &'s mut dyn FnMut(&Moment) -> Option<String>;

/// The RDATE lines of a recurrence.
pub(super) fn extra_dates(recurrence: &Recurrence, spell: Spelling<'_>) -> Vec<Line<'static>> {
    let mut line = |at: Moment| {
        let tzid = spell(&at);
        moment_line("RDATE", &at, tzid.as_deref(), &[])
    };
    let mut lines = Vec::new();
    for date in &recurrence.dates {
        match date {
            ExtraDate::Date(date) => lines.push(line(Moment::Date(*date))),
            ExtraDate::At(at) => lines.push(line(Moment::Time(at.clone()))),
            ExtraDate::Period { .. } => {}
        }
    }
    for date in &recurrence.dates {
        if let ExtraDate::Period { start, end } = date {
            lines.push(period(start, end, spell));
        }
    }
    lines
}

/// Both ends of a period share one TZID, so ends in different zones are written in UTC.
fn period(start: &LocalTime, end: &LocalTime, spell: Spelling<'_>) -> Line<'static> {
    let utc = |time: &LocalTime| Moment::Time(LocalTime::utc(time.instant(&ZoneName::utc())));
    let (start, end) = if start.zone == end.zone {
        (Moment::Time(start.clone()), Moment::Time(end.clone()))
    } else {
        (utc(start), utc(end))
    };
    let tzid = spell(&start);
    let (from, to) = (
        moment(&start, tzid.as_deref()),
        moment(&end, tzid.as_deref()),
    );
    let header = format!("RDATE;VALUE=PERIOD{}", from.parameters);
    Line::build(
        header.as_bytes(),
        format!("{}/{}", from.value, to.value).as_bytes(),
    )
}
