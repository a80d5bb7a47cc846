//! Setting single properties of a stored component, and what goes with them.

use sync_engine::model::{Field, Fields, Text};

use super::property;
use super::when::{Names, set_when};
use crate::component::{Component, Item};
use crate::line::text::escape;
use crate::line::{Line, Param};
use crate::read;

/// What only restates LOCATION.
const WITH_LOCATION: [&str; 2] = ["X-APPLE-STRUCTURED-LOCATION", "GEO"];
/// What only restates DESCRIPTION.
const WITH_DESCRIPTION: [&str; 2] = ["X-ALT-DESC", "STYLED-DESCRIPTION"];
/// What only restates STATUS and TRANSP.
const WITH_STATUS: [&str; 4] = [
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "X-MICROSOFT-CDO-INTENDEDSTATUS",
    "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS",
    "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS",
];
/// What only restates whether the event takes whole days.
pub(super) const WITH_ALL_DAY: [&str; 3] = [
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT",
    "X-FUNAMBOL-ALLDAY",
];
/// What only restates whether the event repeats.
pub(super) const WITH_REPEATING: [&str; 1] = ["X-MICROSOFT-CDO-INSTTYPE"];

/// Whether a property restates a core field.
pub(super) fn restates(line: &Line<'_>) -> bool {
    [
        &WITH_LOCATION[..],
        &WITH_DESCRIPTION,
        &WITH_STATUS,
        &WITH_ALL_DAY,
        &WITH_REPEATING,
    ]
    .iter()
    .any(|names| names.iter().any(|name| line.is(name)))
}

/// Parameters that would misread a new value.
const OF_OLD_VALUE: [&str; 4] = ["ALTREP", "ENCODING", "CHARSET", "VALUE"];

/// Gives `component` the wanted value of one field. Says whether anything had to be written.
pub(super) fn set_field(
    component: &mut Component<'_>,
    field: Field,
    wanted: &Fields,
    names: &mut Names<'_>,
) -> bool {
    match field {
        Field::Title => set_text(component, "SUMMARY", &wanted.title, &[]),
        Field::Description => set_text(
            component,
            "DESCRIPTION",
            &wanted.description,
            &WITH_DESCRIPTION,
        ),
        Field::Location => set_text(component, "LOCATION", &wanted.location, &WITH_LOCATION),
        Field::When => set_when(component, wanted, names),
        Field::Status => {
            let differs = read::status(component) != wanted.status;
            differs
                && set_word(
                    component,
                    "STATUS",
                    property::status(wanted.status),
                    &WITH_STATUS,
                )
        }
        Field::Transparency => {
            let differs = read::transparency(component) != wanted.transparency;
            let word = property::transparency(wanted.transparency);
            differs && set_word(component, "TRANSP", word, &WITH_STATUS)
        }
        Field::Visibility => {
            let differs = read::sensitivity(component) != wanted.sensitivity;
            let word = property::sensitivity(wanted.sensitivity);
            differs && set_word(component, "CLASS", word, &[])
        }
    }
}

fn set_text(component: &mut Component<'_>, name: &str, wanted: &Text, with: &[&str]) -> bool {
    if read::text(component, name) == *wanted {
        return false;
    }
    if wanted.is_empty() {
        remove(component, name);
    } else {
        let kept = kept_parameters(component, name, &OF_OLD_VALUE);
        let header = header(name, &kept);
        let line = Line::build(&header, escape(wanted.as_str()).as_bytes());
        replace(component, name, vec![line]);
    }
    for name in with {
        remove(component, name);
    }
    true
}

fn set_word(component: &mut Component<'_>, name: &str, word: &str, with: &[&str]) -> bool {
    replace(component, name, vec![property::plain(name, word)]);
    for name in with {
        remove(component, name);
    }
    true
}

fn header(name: &str, parameters: &[Param]) -> Vec<u8> {
    let mut header = name.as_bytes().to_vec();
    for parameter in parameters {
        header.push(b';');
        header.extend_from_slice(&parameter.raw);
    }
    header
}

/// The parameters of a property's first line that another value can have, but for those named.
pub(super) fn kept_parameters(component: &Component<'_>, name: &str, but: &[&str]) -> Vec<Param> {
    let Some(line) = component.first(name) else {
        return Vec::new();
    };
    let mut parameters = line.parameters();
    parameters
        .retain(|parameter| parameter.is_closed() && !but.iter().any(|name| parameter.is(name)));
    parameters
}

/// Puts `lines` where the first line of that name is, or after the last property; the other lines
/// of that name go.
pub(super) fn replace<'a>(component: &mut Component<'a>, name: &str, lines: Vec<Line<'a>>) {
    let named = |item: &Item<'_>| matches!(item, Item::Line(line) if line.is(name));
    let at = component
        .items
        .iter()
        .position(named)
        .unwrap_or_else(|| end_of_properties(component));
    remove(component, name);
    let at = at.min(component.items.len());
    component
        .items
        .splice(at..at, lines.into_iter().map(Item::Line));
}

/// Drops all lines of one name.
pub(super) fn remove(component: &mut Component<'_>, name: &str) {
    component
        .items
        .retain(|item| !matches!(item, Item::Line(line) if line.is(name)));
}

/// Where a new property goes: after the last one before the first component, blank lines aside.
pub(super) fn end_of_properties(component: &Component<'_>) -> usize {
    let first_component = component
        .items
        .iter()
        .position(|item| matches!(item, Item::Component(_)))
        .unwrap_or(component.items.len());
    component
        .items
        .iter()
        .take(first_component)
        .rposition(|item| matches!(item, Item::Line(line) if !line.is_blank()))
        .map_or(first_component, |last| last + 1)
}
