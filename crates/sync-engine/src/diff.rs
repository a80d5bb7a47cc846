//! Comparing fields, and telling people about it. A side changed a field when its value differs from
//! that side's own echo; sides are never compared by version or time.

use crate::model::{
    ComponentKey, Field, FieldSet, Fields, LocalTime, OverrideValue, RecurrenceId, Sensitivity,
    Series, Status, Text, Transparency, When, Zone, ZoneName,
};
use crate::plan::operation::FieldChange;
use crate::snapshot::inherited;

/// The fields in which two components differ.
pub fn differing(a: &Fields, b: &Fields) -> FieldSet {
    Field::ALL
        .into_iter()
        .filter(|field| !same(*field, a, b))
        .collect()
}

/// Whether `field` has the same value in both.
pub fn same(field: Field, a: &Fields, b: &Fields) -> bool {
    match field {
        Field::Title => a.title == b.title,
        Field::Description => a.description == b.description,
        Field::Location => a.location == b.location,
        Field::When => a.when == b.when && a.recurrence == b.recurrence,
        Field::Status => a.status == b.status,
        Field::Transparency => a.transparency == b.transparency,
        Field::Visibility => a.sensitivity == b.sensitivity,
    }
}

/// What stands at a component of a series, with `Inherit` spelled out as the master's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: no master, or an occurrence of no series.
    Nothing,
    /// The override says nothing of its own.
    Inherit(Box<Fields>),
    /// Called off.
    Cancelled,
    /// The component's own fields.
    Own(Box<Fields>),
}

impl Standing {
    /// What stands at `key` in `series`.
    pub fn of(series: &Series, key: &ComponentKey) -> Self {
        match key {
            ComponentKey::Master => series
                .master
                .as_ref()
                .map_or(Self::Nothing, |master| Self::Own(Box::new(master.clone()))),
            ComponentKey::Override(id) => match series.overrides.get(id) {
                Some(OverrideValue::Cancelled) => Self::Cancelled,
                Some(OverrideValue::Fields(fields)) => Self::Own(fields.clone()),
                None => series.master.as_ref().map_or(Self::Nothing, |master| {
                    Self::Inherit(Box::new(inherited(master, *id)))
                }),
            },
        }
    }

    /// The fields that show.
    pub fn fields(&self) -> Option<&Fields> {
        match self {
            Self::Inherit(fields) | Self::Own(fields) => Some(fields),
            Self::Nothing | Self::Cancelled => None,
        }
    }
}

/// A field's value for people.
pub fn shown(field: Field, fields: &Fields) -> String {
    match field {
        Field::Title => fields.title.as_str().to_owned(),
        Field::Description => fields.description.as_str().to_owned(),
        Field::Location => fields.location.as_str().to_owned(),
        Field::When => match &fields.recurrence {
            None => when(&fields.when),
            Some(recurrence) => {
                let rules: Vec<String> = recurrence.rules.iter().map(ToString::to_string).collect();
                format!("{}, repeats {}", when(&fields.when), rules.join(" and "))
            }
        },
        Field::Status => match fields.status {
            Status::Confirmed => "confirmed",
            Status::Tentative => "tentative",
            Status::Cancelled => "cancelled",
        }
        .to_owned(),
        Field::Transparency => match fields.transparency {
            Transparency::Busy => "busy",
            Transparency::Free => "free",
        }
        .to_owned(),
        Field::Visibility => match fields.sensitivity {
            Sensitivity::Public => "default",
            Sensitivity::Private => "private",
            Sensitivity::Confidential => "confidential",
        }
        .to_owned(),
    }
}

fn when(when: &When) -> String {
    let time = |time: &LocalTime| match &time.zone {
        Zone::Floating => time.wall.to_string(),
        Zone::Named(zone) => format!("{} {zone}", time.wall),
    };
    match when {
        When::AllDay { start, end } => format!("{start} to before {end}"),
        When::Timed { start, end } => format!("{} to {}", time(start), time(end)),
    }
}

/// The changes from one component to another, for people.
pub fn changes(from: Option<&Fields>, to: &Fields, fields: &FieldSet) -> Vec<FieldChange> {
    fields
        .iter()
        .map(|field| FieldChange {
            field: *field,
            from: from.map(|from| shown(*field, from)).unwrap_or_default(),
            to: shown(*field, to),
        })
        .collect()
}

/// A start as the API shows it: RFC 3339 UTC, or a date.
pub fn start(when: &When, floating: &ZoneName) -> String {
    match when {
        When::AllDay { start, .. } => start.to_string(),
        When::Timed { start, .. } => start.instant(floating).to_string(),
    }
}

/// A recurrence id as the API shows it: RFC 3339 UTC, or a date.
pub fn recurrence_id(id: RecurrenceId, master: Option<&When>, floating: &ZoneName) -> String {
    match id {
        RecurrenceId::Date(date) => date.to_string(),
        RecurrenceId::Wall(wall) => {
            let zone = master
                .and_then(When::zone)
                .cloned()
                .unwrap_or(Zone::Floating);
            LocalTime::new(wall, zone).instant(floating).to_string()
        }
    }
}

/// Copies one field.
pub fn copy(field: Field, from: &Fields, to: &mut Fields) {
    match field {
        Field::Title => to.title.clone_from(&from.title),
        Field::Description => to.description.clone_from(&from.description),
        Field::Location => to.location.clone_from(&from.location),
        Field::When => {
            to.when.clone_from(&from.when);
            to.recurrence.clone_from(&from.recurrence);
        }
        Field::Status => to.status = from.status,
        Field::Transparency => to.transparency = from.transparency,
        Field::Visibility => to.sensitivity = from.sensitivity,
    }
}

/// Empties a text.
pub(crate) fn clear(field: Field, fields: &mut Fields) {
    match field {
        Field::Title => fields.title = Text::default(),
        Field::Description => fields.description = Text::default(),
        Field::Location => fields.location = Text::default(),
        Field::When | Field::Status | Field::Transparency | Field::Visibility => {}
    }
}
