//! The form of a mapping's settings: what was typed, what it means, how it is shown.

use app::records::{
    Calendar, ConflictPolicy, Invitations, MappingSettings, OnTargetEdit, Reminders,
};
use app::{FieldError, UserError};
use maud::{Markup, html};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sync_engine::projection::{Privacy, Template};

use super::Calendars;
use crate::input::Form;
use crate::pages::widgets::{Choice, Input, Radio, Radios, Select, tick};

/// What stands in the form. Names are the API's.
pub(super) struct Typed {
    caldav_calendar_id: String,
    google_calendar_id: String,
    name: String,
    direction: String,
    conflict_policy: String,
    past_days: String,
    future_days: String,
    privacy: String,
    title: String,
    description: bool,
    location: bool,
    on_target_edit: String,
    declined: String,
    private_events: String,
    reminders: String,
    chain: bool,
    invitations: String,
    time_zone: String,
    count: String,
    percent: String,
    enabled: bool,
    /// What the form does not show stays.
    stored: MappingSettings,
}

/// A setting's word, as the API spells it.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

impl Typed {
    /// The form for settings as they are.
    pub(super) fn of(settings: &MappingSettings) -> Self {
        let template = match &settings.privacy {
            Privacy::Template(template) => template.clone(),
            _ => Template {
                title: "{title}".to_owned(),
                description: false,
                location: false,
            },
        };
        Self {
            caldav_calendar_id: String::new(),
            google_calendar_id: String::new(),
            name: settings.name.clone().unwrap_or_default(),
            direction: word(&settings.direction),
            conflict_policy: word(&settings.conflict_policy),
            past_days: settings.window.past_days.to_string(),
            future_days: settings.window.future_days.to_string(),
            privacy: match settings.privacy {
                Privacy::Full => "full",
                Privacy::Busy => "busy",
                Privacy::Template(_) => "template",
            }
            .to_owned(),
            title: template.title,
            description: template.description,
            location: template.location,
            on_target_edit: word(&settings.on_target_edit),
            declined: word(&settings.declined),
            private_events: word(&settings.private_events),
            reminders: word(&settings.reminders),
            chain: settings.chain,
            invitations: word(&settings.invitations),
            time_zone: settings.time_zone.clone().unwrap_or_default(),
            count: settings.deletion_limit.count.to_string(),
            percent: settings.deletion_limit.percent.to_string(),
            enabled: settings.enabled,
            stored: settings.clone(),
        }
    }

    /// What was typed over settings as they are.
    pub(super) fn from_form(form: &Form, stored: &MappingSettings) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            caldav_calendar_id: text("caldav_calendar_id"),
            google_calendar_id: text("google_calendar_id"),
            name: text("name"),
            direction: text("direction"),
            conflict_policy: text("conflict_policy"),
            past_days: text("past_days"),
            future_days: text("future_days"),
            privacy: text("privacy"),
            title: text("title"),
            description: form.ticked("description"),
            location: form.ticked("location"),
            on_target_edit: text("on_target_edit"),
            declined: text("declined"),
            private_events: text("private_events"),
            reminders: text("reminders"),
            chain: form.ticked("chain"),
            invitations: text("invitations"),
            time_zone: text("time_zone"),
            count: text("count"),
            percent: text("percent"),
            enabled: form.ticked("enabled"),
            stored: stored.clone(),
        }
    }

    /// Whether the settings that few people need are to be seen at once: one of them is at fault.
    fn has_more(error: Option<&UserError>) -> bool {
        let hidden = ["reminders", "time_zone", "count", "percent", "name"];
        error.is_some_and(|error| {
            error
                .fields
                .iter()
                .any(|fault| hidden.contains(&fault.field.as_str()))
        })
    }

    /// What it means; every field at fault is named.
    pub(super) fn settings(&self) -> Result<MappingSettings, UserError> {
        let mut faults = Faults(Vec::new());
        let mut settings = self.stored.clone();
        settings.name = (!self.name.is_empty()).then(|| self.name.clone());
        settings.enabled = self.enabled;
        settings.chain = self.chain;
        settings.invitations = faults.choice("invitations", &self.invitations);
        settings.direction = faults.choice("direction", &self.direction);
        settings.conflict_policy = faults.choice("conflict_policy", &self.conflict_policy);
        settings.window.past_days = faults.number("past_days", &self.past_days, 36_500);
        settings.window.future_days = faults.number("future_days", &self.future_days, 36_500);
        settings.deletion_limit.count = faults.number("count", &self.count, u32::MAX);
        settings.deletion_limit.percent = faults.number("percent", &self.percent, 100);
        settings.on_target_edit = faults.choice("on_target_edit", &self.on_target_edit);
        settings.declined = faults.choice("declined", &self.declined);
        settings.private_events = faults.choice("private_events", &self.private_events);
        settings.reminders = faults.choice("reminders", &self.reminders);
        settings.time_zone = (!self.time_zone.is_empty()).then(|| self.time_zone.clone());
        settings.privacy = match self.privacy.as_str() {
            "busy" => Privacy::Busy,
            "template" if self.title.is_empty() => {
                faults.add(
                    "title",
                    "Enter a title, or choose another privacy.".to_owned(),
                );
                Privacy::Busy
            }
            "template" => Privacy::Template(Template {
                title: self.title.clone(),
                description: self.description,
                location: self.location,
            }),
            "full" => Privacy::Full,
            _ => {
                faults.add("privacy", "Choose one of the list.".to_owned());
                Privacy::Busy
            }
        };
        if faults.0.is_empty() {
            return Ok(settings);
        }
        Err(UserError {
            fields: faults.0,
            ..UserError::invalid("", "Some fields are not acceptable.")
        })
    }
}

struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: &str, detail: String) {
        self.0.push(FieldError {
            field: field.to_owned(),
            detail,
        });
    }

    fn number(&mut self, field: &str, text: &str, most: u32) -> u32 {
        match text.parse() {
            Ok(number) if number <= most => number,
            _ => {
                self.add(field, format!("Enter a whole number from 0 to {most}."));
                0
            }
        }
    }

    fn choice<T: DeserializeOwned + Default>(&mut self, field: &str, text: &str) -> T {
        serde_json::from_value(Value::from(text)).unwrap_or_else(|_| {
            self.add(field, "Choose one of the list.".to_owned());
            T::default()
        })
    }
}

/// One drop-down a side, grouped by account.
pub(super) fn calendars(calendars: &Calendars, typed: &Typed, error: Option<&UserError>) -> Markup {
    let group = |accounts: &[(String, Vec<Calendar>)]| {
        accounts
            .iter()
            .map(|(account, calendars)| (account.clone(), calendars.iter().map(choice).collect()))
            .collect()
    };
    html! {
        div.pair {
            (Select {
                name: "caldav_calendar_id", label: "CalDAV calendar", hint: None,
                value: &typed.caldav_calendar_id, empty: Some("Choose a calendar"),
                groups: group(&calendars.caldav), error,
            })
            (Select {
                name: "google_calendar_id", label: "Google calendar", hint: None,
                value: &typed.google_calendar_id, empty: Some("Choose a calendar"),
                groups: group(&calendars.google), error,
            })
        }
    }
}

/// A calendar that cannot be written may still be a source.
fn choice(calendar: &Calendar) -> Choice {
    let name = &calendar.facts.name;
    if calendar.facts.writable {
        Choice::new(&calendar.id, name)
    } else {
        Choice::new(&calendar.id, &format!("{name} (read only)"))
    }
}

/// Which way events go. `made`: the mapping is there already.
fn direction(typed: &Typed, made: bool, error: Option<&UserError>) -> Markup {
    let ways = [
        (
            "caldav_to_google",
            "CalDAV to Google",
            "The CalDAV calendar is the source and is never written.",
        ),
        (
            "google_to_caldav",
            "Google to CalDAV",
            "The Google calendar is the source and is never written.",
        ),
        (
            "bidirectional",
            "Both ways",
            "A change on either side reaches the other.",
        ),
    ];
    let options: Vec<Radio<'_>> = ways
        .iter()
        .map(|(value, label, hint)| Radio { value, label, hint })
        .collect();
    html! {
        (Radios {
            name: "direction", legend: "Which way events go", value: &typed.direction,
            options: &options,
            hint: made.then(|| html! {
                "After a change, the first writes to a side that this mapping did not write before "
                "are held back for you to look at when they are more than ten."
            }),
            error,
        })
    }
}

/// Every setting. `made`: the mapping is there already.
pub(super) fn settings(typed: &Typed, made: bool, error: Option<&UserError>) -> Markup {
    let select = |name: &'static str,
                  label: &'static str,
                  hint: Option<&'static str>,
                  value: &str,
                  lines: &[(&str, &str)]| {
        let choices = lines
            .iter()
            .map(|(value, label)| Choice::new(value, label))
            .collect();
        html! {
            (Select {
                name, label, hint: hint.map(|hint| html! { (hint) }), value, empty: None,
                groups: vec![(String::new(), choices)], error,
            })
        }
    };
    let number = |name: &'static str, label: &'static str, value: &str, most: u32| {
        html! {
            (Input {
                name, label, kind: "number", value, autocomplete: Some("off"),
                bounds: Some((0, most)), required: true, error, ..Input::default()
            })
        }
    };
    let own = typed.privacy == "template";
    html! {
        (direction(typed, made, error))
        fieldset {
            legend { "Which events" }
            div.pair {
                (number("past_days", "Days back", &typed.past_days, 36_500))
                (number("future_days", "Days ahead", &typed.future_days, 36_500))
            }
        }
        fieldset {
            legend { "What copies show" }
            (select("privacy", "Privacy", Some("Of what is written to Google; from Google to CalDAV, of what is written to CalDAV."), &typed.privacy, &[
                ("full", "Everything: title, description, location"),
                ("busy", "Only “Busy”"),
                ("template", "A title of your own"),
            ]))
            details open[own] {
                summary { "A title of your own" }
                (Input {
                    name: "title", label: "Title", kind: "text", value: &typed.title,
                    hint: Some(html! { code { "{title}" } " and " code { "{calendar}" } " stand for the event's title and the calendar's name." }),
                    autocomplete: Some("off"), required: false, error, ..Input::default()
                })
                (tick("description", "With the description", "Notes and links of the event.", typed.description))
                (tick("location", "With the location", "Where it takes place.", typed.location))
            }
            (select("private_events", "Events marked private", None, &typed.private_events, &[
                ("private", "Copy them, private in Google too"),
                ("busy", "Copy them as “Busy”"),
                ("skip", "Do not copy them"),
                ("as_is", "Copy them like any other"),
            ]))
            (select("declined", "Events you declined", None, &typed.declined, &[
                ("free", "Copy them, shown as free"),
                ("skip", "Do not copy them"),
                ("as_is", "Copy them like any other"),
            ]))
        }
        fieldset {
            legend { "How it behaves" }
            div.both-ways {
                (select("conflict_policy", "When both sides change the same event", Some("For mappings that go both ways. Every conflict is kept on record with both versions."), &typed.conflict_policy, &[
                    (&word(&ConflictPolicy::Latest), "The later change wins"),
                    (&word(&ConflictPolicy::Merge), "Merge, field by field; the later one wins a field both changed"),
                    (&word(&ConflictPolicy::Caldav), "CalDAV wins"),
                    (&word(&ConflictPolicy::Google), "Google wins"),
                    (&word(&ConflictPolicy::Manual), "Ask me; both stay until I decide"),
                ]))
            }
            div.one-way {
                (select("on_target_edit", "When somebody edits or deletes a copy", Some("For mappings that go one way."), &typed.on_target_edit, &[
                    (&word(&OnTargetEdit::Restore), "Put it back as on the source"),
                    (&word(&OnTargetEdit::Keep), "Keep the edit until the source changes"),
                ]))
            }
            div.to-caldav {
                (select("invitations", "Changes to invitations that you sent from CalDAV", Some("Where events are written to CalDAV. Some servers tell all guests when an event with guests is changed."), &typed.invitations, &[
                    (&word(&Invitations::Wait), "Let them wait, and show them to me"),
                    (&word(&Invitations::Write), "Write them; the server will tell the guests"),
                ]))
            }
            details open[Typed::has_more(error)] {
                summary { "More settings" }
                (select("reminders", "Reminders of new copies", None, &typed.reminders, &[
                    (&word(&Reminders::None), "None"),
                    (&word(&Reminders::Default), "The Google calendar's own"),
                ]))
                (Input {
                    name: "time_zone", label: "Time zone", kind: "text", value: &typed.time_zone,
                    hint: Some(html! { "For events without a zone, such as " code { "Europe/Berlin" } ". Empty: the calendar's own." }),
                    autocomplete: Some("off"), error, ..Input::default()
                })
                p.hint { "So many removals at once are held back, because they look like an accident: more than this number and more than this share." }
                div.pair {
                    (number("count", "Events", &typed.count, u32::MAX))
                    (number("percent", "Percent of all", &typed.percent, 100))
                }
                (tick("chain", "Copy copies too", "Also events that another mapping has copied into the source calendar.", typed.chain))
                (Input {
                    name: "name", label: "Name", kind: "text", value: &typed.name,
                    hint: Some(html! { "Instead of the calendars' names." }),
                    autocomplete: Some("off"), error, ..Input::default()
                })
            }
            (tick("enabled", "Keep in step", "When this is off, the mapping is paused and its copies stay.", typed.enabled))
        }
    }
}
