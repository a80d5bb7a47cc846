//! What pages are made of: fields with their errors, the summary of errors, badges, calendars.

use app::UserError;
use app::records::{Calendar, Direction, Mapping, Run, RunState};
use maud::{Markup, html};

/// The sign of the house: two arcs in step.
pub(super) fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false" {
            path d="M4 11a8 8 0 0 1 13.7-5.6L20 7.7" {}
            path d="M20 3.5v4.2h-4.2" {}
            path d="M20 13a8 8 0 0 1-13.7 5.6L4 16.3" {}
            path d="M4 20.5v-4.2h4.2" {}
        }
    }
}

/// A field of a form with its label, hint and error.
#[derive(Default)]
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    /// `text`, `password`, `url`, `number`.
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
    pub(super) hint: Option<Markup>,
    pub(super) autocomplete: Option<&'a str>,
    pub(super) required: bool,
    /// Least and most, for numbers.
    pub(super) bounds: Option<(u32, u32)>,
    /// The error of the form, of which this field's part is shown here.
    pub(super) error: Option<&'a UserError>,
}

impl maud::Render for Input<'_> {
    fn render(&self) -> Markup {
        let fault = fault(self.error, self.name);
        let numeric = self.kind == "number";
        html! {
            div.field.wrong[fault.is_some()] {
                label for=(self.name) { (self.label) @if !self.required && !numeric { span.optional { " (optional)" } } }
                (described(self.name, self.hint.as_ref(), fault))
                input id=(self.name) name=(self.name) type=(self.kind) value=(self.value)
                    autocomplete=[self.autocomplete]
                    inputmode=[numeric.then_some("numeric")]
                    min=[self.bounds.map(|(least, _)| least)]
                    max=[self.bounds.map(|(_, most)| most)]
                    spellcheck=[(!numeric).then_some("false")]
                    autocapitalize=[(!numeric).then_some("none")]
                    required[self.required]
                    aria-invalid=[fault.map(|_| "true")]
                    aria-describedby=[describes(self.name, self.hint.is_some(), fault.is_some())];
            }
        }
    }
}

/// A drop-down: groups of `(value, label, refused)`; one group without a name stands alone.
pub(super) struct Select<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) hint: Option<Markup>,
    pub(super) value: &'a str,
    /// The first line, which stands for no choice.
    pub(super) empty: Option<&'a str>,
    pub(super) groups: Vec<(String, Vec<Choice>)>,
    pub(super) error: Option<&'a UserError>,
}

/// One line of a drop-down.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    /// It can be seen and not be chosen.
    pub(super) disabled: bool,
}

impl Choice {
    pub(super) fn new(value: &str, label: &str) -> Self {
        Self {
            value: value.to_owned(),
            label: label.to_owned(),
            disabled: false,
        }
    }
}

impl maud::Render for Select<'_> {
    fn render(&self) -> Markup {
        let fault = fault(self.error, self.name);
        let lines = |choices: &[Choice]| {
            html! {
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == self.value] disabled[choice.disabled] {
                        (choice.label)
                    }
                }
            }
        };
        html! {
            div.field.wrong[fault.is_some()] {
                label for=(self.name) { (self.label) }
                (described(self.name, self.hint.as_ref(), fault))
                select id=(self.name) name=(self.name)
                    aria-invalid=[fault.map(|_| "true")]
                    aria-describedby=[describes(self.name, self.hint.is_some(), fault.is_some())] {
                    @if let Some(empty) = self.empty { option value="" { (empty) } }
                    @for (group, choices) in &self.groups {
                        @if group.is_empty() {
                            (lines(choices))
                        } @else {
                            optgroup label=(group) { (lines(choices)) }
                        }
                    }
                }
            }
        }
    }
}

/// One of several, all to be seen at once.
pub(super) struct Radios<'a> {
    pub(super) name: &'a str,
    pub(super) legend: &'a str,
    pub(super) hint: Option<Markup>,
    pub(super) value: &'a str,
    pub(super) options: &'a [Radio<'a>],
    pub(super) error: Option<&'a UserError>,
}

/// One choice of them.
pub(super) struct Radio<'a> {
    pub(super) value: &'a str,
    pub(super) label: &'a str,
    pub(super) hint: &'a str,
}

impl maud::Render for Radios<'_> {
    fn render(&self) -> Markup {
        let fault = fault(self.error, self.name);
        html! {
            // The name is the target of the summary's link.
            fieldset id=(self.name) tabindex="-1"
                aria-describedby=[describes(self.name, self.hint.is_some(), fault.is_some())] {
                legend { (self.legend) }
                (described(self.name, self.hint.as_ref(), fault))
                @for option in self.options {
                    @let id = format!("{}-{}", self.name, option.value);
                    div.tick {
                        input id=(id) name=(self.name) type="radio" value=(option.value)
                            checked[option.value == self.value]
                            aria-describedby={ (id) "-about" };
                        div {
                            label for=(id) { (option.label) }
                            p.hint id={ (id) "-about" } { (option.hint) }
                        }
                    }
                }
            }
        }
    }
}

/// A box to tick.
pub(super) fn tick(name: &str, label: &str, hint: &str, ticked: bool) -> Markup {
    html! {
        div.tick {
            input id=(name) name=(name) type="checkbox" value="yes" checked[ticked]
                aria-describedby={ (name) "-hint" };
            div {
                label for=(name) { (label) }
                p.hint id={ (name) "-hint" } { (hint) }
            }
        }
    }
}

fn described(name: &str, hint: Option<&Markup>, fault: Option<&str>) -> Markup {
    html! {
        @if let Some(hint) = hint { p.hint id={ (name) "-hint" } { (hint) } }
        @if let Some(fault) = fault {
            p.fault id={ (name) "-error" } { span.unseen { "Error: " } (fault) }
        }
    }
}

fn describes(name: &str, hint: bool, fault: bool) -> Option<String> {
    match (hint, fault) {
        (true, true) => Some(format!("{name}-error {name}-hint")),
        (true, false) => Some(format!("{name}-hint")),
        (false, true) => Some(format!("{name}-error")),
        (false, false) => None,
    }
}

fn fault<'a>(error: Option<&'a UserError>, field: &str) -> Option<&'a str> {
    let fields = &error?.fields;
    let found = fields.iter().find(|fault| fault.field == field)?;
    Some(&found.detail)
}

/// What is wrong with a form, on top of the page: each field's fault leads to the field.
pub(super) fn summary(error: &UserError) -> Markup {
    let fields: Vec<_> = error
        .fields
        .iter()
        .filter(|fault| !fault.field.is_empty())
        .collect();
    html! {
        div.summary role="alert" tabindex="-1" aria-labelledby="summary-title" {
            h2 #summary-title {
                @if error.code == "invalid" { "There is a problem" } @else { (error.title) }
            }
            @if fields.is_empty() || error.code != "invalid" {
                p { (error.detail) }
                p { strong { "What to do: " } (error.action) }
            }
            @if !fields.is_empty() {
                ul {
                    @for fault in fields {
                        li { a href={ "#" (fault.field) } { (fault.detail) } }
                    }
                }
            }
        }
    }
}

/// Trouble that stays until somebody does something.
pub(super) fn trouble(detail: &str, action: &str, next: &Markup) -> Markup {
    html! {
        div.notice.bad {
            p { (detail) }
            @if !action.is_empty() { p { strong { "What to do: " } (action) } }
            (next)
        }
    }
}

/// A word for a state, with a sign, so that colour is never alone.
pub(super) fn badge(kind: &str, word: &str) -> Markup {
    let sign = match kind {
        "good" => "✓",
        "busy" => "↻",
        "warn" => "!",
        "bad" => "×",
        _ => "‖",
    };
    html! {
        span class={ "badge " (kind) } { span aria-hidden="true" { (sign) } " " (word) }
    }
}

/// How a run went.
pub(super) fn run_badge(run: &Run) -> Markup {
    match run.state {
        RunState::Running => badge("busy", "Running"),
        RunState::Success => badge("good", "Success"),
        RunState::PartialFailure => badge("warn", "Partly failed"),
        RunState::Failure => badge("bad", "Failed"),
    }
}

/// A calendar's name with its colour.
pub(super) fn calendar(calendar: &Calendar) -> Markup {
    html! {
        span.calendar {
            (swatch(calendar.facts.color.as_deref()))
            span { (calendar.facts.name) }
        }
    }
}

/// Both calendars of a mapping and the way between them: the source first, where there is one.
pub(super) fn joined(mapping: &Mapping) -> Markup {
    let (first, way, second) = match mapping.settings.direction {
        Direction::CaldavToGoogle => (&mapping.caldav, "→", &mapping.google),
        Direction::GoogleToCaldav => (&mapping.google, "→", &mapping.caldav),
        Direction::Bidirectional => (&mapping.caldav, "↔", &mapping.google),
    };
    html! {
        (calendar(first)) span.arrow { " " (way) " " } (calendar(second))
    }
}

/// A dot in a calendar's colour: an SVG, because the content policy forbids inline style.
pub(super) fn swatch(color: Option<&str>) -> Markup {
    let plain = |color: &&str| {
        color.len() <= 9
            && color.starts_with('#')
            && color[1..].bytes().all(|b| b.is_ascii_hexdigit())
    };
    html! {
        svg.swatch viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" focusable="false" {
            circle cx="5" cy="5" r="5" fill=(color.filter(plain).unwrap_or("#8a93a0")) {}
        }
    }
}

/// A list with nothing in it: a heading, a sentence, the next step.
pub(super) fn empty(heading: &str, sentence: &str, path: &str, label: &str) -> Markup {
    html! {
        section.card.empty {
            h2 { (heading) }
            p { (sentence) }
            p { a.button.primary href=(path) { (label) } }
        }
    }
}
