//! The fields of one VEVENT.

use sync_engine::model::{Fields, Sensitivity, Status, Text, Transparency, When};
use sync_engine::recurrence::{ExtraDate, Recurrence, Rule};

use super::times::{Moment, read_period, read_time, read_when};
use super::{ReadContext, people};
use crate::component::Component;
use crate::error::ReadError;
use crate::line::text::{split_commas, unescape};
use crate::zones::Zones;

/// Reads a component's fields, recurrence included, and whether any of its times became UTC by the
/// object's own rules.
pub(crate) fn read_fields(
    component: &Component<'_>,
    zones: &Zones,
    context: &ReadContext<'_>,
) -> Result<(Fields, bool), ReadError> {
    let (when, mut by_rules) = read_when(component, zones)?;
    let recurrence = read_recurrence(component, &when, zones, context, &mut by_rules)?;
    let fields = Fields {
        title: text(component, "SUMMARY"),
        description: text(component, "DESCRIPTION"),
        location: text(component, "LOCATION"),
        when,
        recurrence,
        status: status(component),
        transparency: transparency(component),
        sensitivity: sensitivity(component),
        declined: people::declined(component, context),
    };
    Ok((fields, by_rules))
}

/// A TEXT property in normal form.
pub(crate) fn text(component: &Component<'_>, name: &str) -> Text {
    component
        .first(name)
        .map(|line| Text::new(&unescape(&line.value())))
        .unwrap_or_default()
}

fn word(component: &Component<'_>, name: &str) -> Option<String> {
    let line = component.first(name)?;
    Some(line.value().trim().to_ascii_uppercase())
}

/// STATUS; what is no event's status says nothing.
pub(crate) fn status(component: &Component<'_>) -> Status {
    match word(component, "STATUS").as_deref() {
        Some("TENTATIVE") => Status::Tentative,
        Some("CANCELLED" | "CANCELED") => Status::Cancelled,
        _ => Status::Confirmed,
    }
}

/// TRANSP.
pub(crate) fn transparency(component: &Component<'_>) -> Transparency {
    match word(component, "TRANSP").as_deref() {
        Some("TRANSPARENT") => Transparency::Free,
        _ => Transparency::Busy,
    }
}

/// CLASS; one that is not known counts as PRIVATE (RFC 5545 section 3.8.1.3).
pub(crate) fn sensitivity(component: &Component<'_>) -> Sensitivity {
    match word(component, "CLASS").as_deref() {
        None | Some("" | "PUBLIC") => Sensitivity::Public,
        Some("CONFIDENTIAL") => Sensitivity::Confidential,
        Some(_) => Sensitivity::Private,
    }
}

fn read_recurrence(
    component: &Component<'_>,
    when: &When,
    zones: &Zones,
    context: &ReadContext<'_>,
    by_rules: &mut bool,
) -> Result<Option<Recurrence>, ReadError> {
    let mut dates = Vec::new();
    for line in component.all("RDATE") {
        for text in split_commas(&line.value()) {
            if text.trim().is_empty() {
                continue;
            }
            if dates.len() >= context.limits.exceptions {
                return Err(ReadError::TooLarge {
                    what: "additional dates",
                    limit: context.limits.exceptions,
                });
            }
            let (start, end) = if text.contains('/') {
                let (start, end) = read_period(line, text, zones)?;
                (start, Some(end))
            } else {
                (read_time(line, text, zones)?, None)
            };
            *by_rules |= start.by_rules;
            dates.push(match (start.moment, end) {
                (Moment::Time(start), Some(Moment::Time(end))) => ExtraDate::Period { start, end },
                (Moment::Time(start), _) => ExtraDate::At(start),
                (Moment::Date(date), _) => ExtraDate::Date(date),
            });
        }
    }
    let recurrence = Recurrence {
        rules: rules(component, "RRULE")?,
        exclusion_rules: rules(component, "EXRULE")?,
        dates,
        onward: Vec::new(),
    };
    // An EXRULE alone takes nothing away that anything gives.
    if recurrence.rules.is_empty() && recurrence.dates.is_empty() {
        return Ok(None);
    }
    Ok(Some(recurrence.normalized(when)))
}

fn rules(component: &Component<'_>, name: &str) -> Result<Vec<Rule>, ReadError> {
    component
        .all(name)
        .map(|line| line.value().trim().to_owned())
        .filter(|text| !text.is_empty())
        .map(|text| {
            Rule::parse(&text).map_err(|error| ReadError::BadRule {
                text: text.chars().take(80).collect(),
                reason: error.to_string(),
            })
        })
        .collect()
}
