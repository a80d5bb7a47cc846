//! Two versions of an event beside what was agreed before: one row a field, what differs marked in
//! words and not by colour alone.

use std::collections::BTreeMap;

use maud::{Markup, html};
use sync_engine::conflict::{Conflict, Version, Winner};
use sync_engine::model::{Field, Side};

use crate::pages::words;

/// The order people read an event in.
pub(super) const ORDER: [Field; 7] = [
    Field::Title,
    Field::When,
    Field::Location,
    Field::Description,
    Field::Status,
    Field::Transparency,
    Field::Visibility,
];

/// Letters of a value that are shown at once.
const SHOWN: usize = 160;

/// A conflict's versions.
pub(super) struct Compared<'a> {
    conflict: &'a Conflict,
}

/// The name of a field's choice in the form.
pub(super) fn choice(field: Field) -> String {
    format!("field.{}", word(field))
}

/// A field as the API spells it.
fn word(field: Field) -> String {
    match serde_json::to_value(field) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

impl<'a> Compared<'a> {
    pub(super) fn of(conflict: &'a Conflict) -> Self {
        Self { conflict }
    }

    /// What to call the event: the title of a version that has one.
    pub(super) fn title(&self) -> &'a str {
        let versions = [
            Some(&self.conflict.caldav),
            Some(&self.conflict.google),
            self.conflict.base.as_ref(),
        ];
        versions
            .into_iter()
            .flatten()
            .filter_map(|version| fields(version)?.get(&Field::Title))
            .map(String::as_str)
            .find(|title| !title.is_empty())
            .unwrap_or("(no title)")
    }

    /// Whether there are fields on both sides to choose from.
    pub(super) fn by_field(&self) -> bool {
        fields(&self.conflict.caldav).is_some() && fields(&self.conflict.google).is_some()
    }

    /// The table; with a place on the page, what differs can be chosen field by field.
    pub(super) fn table(&self, place: Option<usize>) -> Markup {
        let place = place.filter(|_| self.by_field());
        let whole =
            !self.by_field() || matches!(&self.conflict.base, Some(base) if fields(base).is_none());
        let lines: Vec<Line<'_>> = ORDER
            .into_iter()
            .filter_map(|field| Line::of(self.conflict, field))
            .collect();
        // When it takes place is always worth seeing.
        let (same, told): (Vec<_>, Vec<_>) = lines
            .iter()
            .partition(|line| line.is_same() && line.field != Field::When);
        let same: Vec<&str> = same.iter().map(|line| words::field(line.field)).collect();
        html! {
            div.table.compare {
                table {
                    thead {
                        tr {
                            th scope="col" { "Field" }
                            @if self.conflict.base.is_some() { th scope="col" { "Agreed before" } }
                            @for side in [Side::Caldav, Side::Google] {
                                th scope="col" { (words::side(side)) @if self.won(side) { " · won" } }
                            }
                        }
                    }
                    tbody {
                        @if whole { (self.presence()) }
                        @for line in told { (self.row(line, place)) }
                    }
                }
            }
            @if !same.is_empty() { p.detail { "The same everywhere: " (same.join(", ")) "." } }
        }
    }

    fn won(&self, side: Side) -> bool {
        self.conflict.winner == Some(Winner::from(side))
    }

    fn version(&self, side: Side) -> &'a Version {
        match side {
            Side::Caldav => &self.conflict.caldav,
            Side::Google => &self.conflict.google,
        }
    }

    /// Whether the event is there at all.
    fn presence(&self) -> Markup {
        html! {
            tr.differs {
                th scope="row" { "The event" }
                @if let Some(base) = &self.conflict.base { td data-label="Agreed before" { (presence(base)) } }
                @for side in [Side::Caldav, Side::Google] {
                    td data-label=(words::side(side)) { strong { (presence(self.version(side))) } }
                }
            }
        }
    }

    fn row(&self, line: &Line<'_>, place: Option<usize>) -> Markup {
        html! {
            tr.differs[line.differs] {
                th scope="row" { (words::field(line.field)) @if line.differs { " " span.mark { "differs" } } }
                @if self.conflict.base.is_some() { td data-label="Agreed before" { (shown(line.base)) } }
                @for (side, text) in line.sides {
                    @let mark = line.changed(text);
                    td data-label=(words::side(side)) {
                        @if let (Some(place), true) = (place, line.differs) {
                            (radio(place, line, side, text))
                        } @else {
                            (shown(text))
                            @if mark { " " span.mark { "changed" } }
                        }
                    }
                }
            }
        }
    }
}

/// One field of all versions.
struct Line<'a> {
    field: Field,
    base: Option<&'a str>,
    sides: [(Side, Option<&'a str>); 2],
    /// The sides have it differently.
    differs: bool,
}

impl<'a> Line<'a> {
    /// `None` where nobody has anything.
    fn of(conflict: &'a Conflict, field: Field) -> Option<Self> {
        let value = |version: &'a Version| fields(version).map(|fields| text(fields, field));
        let base = conflict.base.as_ref().and_then(value);
        let (caldav, google) = (value(&conflict.caldav), value(&conflict.google));
        let empty = |text: Option<&str>| text.is_none_or(str::is_empty);
        if empty(base) && empty(caldav) && empty(google) {
            return None;
        }
        Some(Self {
            field,
            base,
            sides: [(Side::Caldav, caldav), (Side::Google, google)],
            differs: caldav.is_some() && google.is_some() && caldav != google,
        })
    }

    /// Whether a side's value is another than was agreed.
    fn changed(&self, text: Option<&str>) -> bool {
        matches!((self.base, text), (Some(base), Some(text)) if base != text)
    }

    /// Whether it is the same wherever the event is there.
    fn is_same(&self) -> bool {
        !self.differs && !self.sides.iter().any(|(_, text)| self.changed(*text))
    }

    /// Where one side alone changed it, its version is the obvious choice.
    fn obvious(&self) -> Option<Side> {
        match self.sides.map(|(side, text)| (side, self.changed(text))) {
            [(one, true), (_, false)] | [(_, false), (one, true)] => Some(one),
            _ => None,
        }
    }
}

/// A value that can be chosen.
fn radio(place: usize, line: &Line<'_>, side: Side, text: Option<&str>) -> Markup {
    let field = line.field;
    let name = choice(field);
    let value = match side {
        Side::Caldav => "caldav",
        Side::Google => "google",
    };
    let id = format!("c{place}-{}-{value}", word(field));
    html! {
        div.tick {
            input id=(id) type="radio" name=(name) value=(value) checked[line.obvious() == Some(side)];
            div {
                label for=(id) {
                    span.unseen { (words::field(field)) " of " (words::side(side)) ": " }
                    (start(text))
                }
                (rest(text))
                @if line.changed(text) { p { span.mark { "changed" } } }
            }
        }
    }
}

fn fields(version: &Version) -> Option<&BTreeMap<Field, String>> {
    match version {
        Version::Fields(fields) => Some(fields),
        Version::Absent | Version::Cancelled | Version::Inherits => None,
    }
}

fn text(fields: &BTreeMap<Field, String>, field: Field) -> &str {
    fields.get(&field).map_or("", String::as_str)
}

fn presence(version: &Version) -> &'static str {
    match version {
        Version::Fields(_) => "is there",
        Version::Inherits => "as the series",
        Version::Cancelled => "called off",
        Version::Absent => "deleted",
    }
}

fn shown(text: Option<&str>) -> Markup {
    html! { (start(text)) (rest(text)) }
}

/// The beginning of a value, or what stands for none.
fn start(text: Option<&str>) -> Markup {
    html! {
        @match text {
            None => span.optional { "–" },
            Some("") => span.optional { "(empty)" },
            Some(text) => {
                span.value { (split(text).0) @if !split(text).1.is_empty() { "…" } }
            }
        }
    }
}

/// What is too long to be shown at once.
fn rest(text: Option<&str>) -> Markup {
    let text = text.unwrap_or_default();
    html! {
        @if !split(text).1.is_empty() {
            details { summary { "All of it" } p.value { (text) } }
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    end.and_then(|at| text.split_at_checked(at))
        .unwrap_or((text, ""))
}
