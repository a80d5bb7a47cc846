//! What people wrote and a rule keeps from the other side (P9): every write that was sent is judged
//! by the settings it was made with, whatever became of it.
//!
//! People's words tell where they were written. A private event is known by its words.

use std::collections::BTreeSet;

use gcal_client::event::text;
use serde_json::Value;
use simulators::google::LogEntry;
use sync_engine::mapping::Direction;
use sync_engine::model::{
    Caldav, ComponentKey, Field, Fields, OverrideValue, Sensitivity, Series, Side, Text,
};
use sync_engine::ports::Update;
use sync_engine::ports::side::Change;
use sync_engine::projection::{Privacy, PrivateEvents};

use super::world::Both;

/// What every text begins with that is written on this side.
pub(crate) fn pen(side: Side) -> &'static str {
    match side {
        Side::Caldav => "penned ",
        Side::Google => "typed ",
    }
}

/// One write's texts.
#[derive(Debug)]
pub(crate) struct Sent {
    name: String,
    texts: Vec<(Field, String)>,
    /// It changes what was there.
    changes: bool,
}

/// What the events of one side say.
type Words = BTreeSet<(String, String)>;

/// What is there before a run.
#[derive(Debug, Default)]
pub(crate) struct Before {
    caldav: Words,
    google: Words,
    logged: usize,
}

/// The series that an event at Google belongs to.
fn series_of(id: &str) -> &str {
    match id.rsplit_once('_') {
        // What continues a series has one in its name, too.
        Some((base, tail)) if !tail.starts_with('R') => base,
        _ => id,
    }
}

const TEXTS: [Field; 3] = [Field::Title, Field::Description, Field::Location];

fn word(field: Field, fields: &Fields) -> String {
    let text = match field {
        Field::Title => &fields.title,
        Field::Description => &fields.description,
        _ => &fields.location,
    };
    text.as_str().to_owned()
}

fn words(fields: &Fields) -> impl Iterator<Item = (Field, String)> {
    TEXTS.into_iter().map(|field| (field, word(field, fields)))
}

/// All components of a series, with what holds from one of them on.
fn components(series: &Series) -> impl Iterator<Item = &Fields> {
    let master = series.master.iter();
    let onward = series.master.iter().filter_map(|m| m.recurrence.as_ref());
    let onward = onward.flat_map(|recurrence| &recurrence.onward);
    let overrides = series.overrides.values().filter_map(|value| match value {
        OverrideValue::Fields(fields) => Some(fields.as_ref()),
        OverrideValue::Cancelled => None,
    });
    master
        .chain(onward.map(|onward| &onward.fields))
        .chain(overrides)
}

pub(crate) fn created(name: &str, series: &Series) -> Sent {
    Sent {
        name: name.to_owned(),
        texts: components(series).flat_map(words).collect(),
        changes: false,
    }
}

pub(crate) fn updated(name: &str, update: &Update<Caldav>) -> Sent {
    let series = update.series.series();
    let mut texts = Vec::new();
    for change in &update.changes {
        let Some(fields) = series.own_fields(&change.key) else {
            continue;
        };
        match &change.change {
            Change::Set(set) => {
                texts.extend(words(fields).filter(|(field, _)| set.contains(field)));
            }
            Change::Add => texts.extend(words(fields)),
            Change::Cancel | Change::Inherit => {}
        }
        if change.key == ComponentKey::Master {
            let onward = fields.recurrence.iter().flat_map(|r| &r.onward);
            texts.extend(onward.flat_map(|onward| words(&onward.fields)));
        }
    }
    Sent {
        name: name.to_owned(),
        texts,
        changes: true,
    }
}

/// A request to Google.
fn requested(entry: &LogEntry) -> Option<Sent> {
    let changes = match entry.method.as_str() {
        "events.insert" | "events.import" => false,
        "events.patch" | "events.update" => true,
        _ => return None,
    };
    let body = entry.body.as_ref()?;
    let of_path = || entry.path.rsplit('/').next().map(str::to_owned);
    let name = body["id"].as_str().map(str::to_owned).or_else(of_path)?;
    Some(Sent {
        name,
        texts: of_event(body).collect(),
        changes,
    })
}

fn of_event(event: &Value) -> impl Iterator<Item = (Field, String)> {
    let names = ["summary", "description", "location"];
    TEXTS.into_iter().zip(names).filter_map(|(field, name)| {
        let text = event[name].as_str()?;
        let text = if field == Field::Description {
            text::read(text).as_str().to_owned()
        } else {
            Text::new(text).as_str().to_owned()
        };
        Some((field, text))
    })
}

impl Both {
    /// What is there before a run.
    pub(crate) fn before(&self) -> Before {
        let mut before = Before {
            logged: self.world.sim.log().len(),
            ..Before::default()
        };
        for (name, series) in self.dav.all() {
            let words = components(&series).flat_map(words);
            before
                .caldav
                .extend(words.map(|(_, text)| (name.clone(), text)));
        }
        for event in self.google_events() {
            let name = event["id"].as_str().unwrap_or_default();
            let words = of_event(&event).map(|(_, text)| (series_of(name).to_owned(), text));
            before.google.extend(words);
        }
        before
    }

    /// Judges what was sent in the run that has just ended.
    pub(crate) fn judge(&self, before: &Before) {
        let mut leaks = Vec::new();
        for sent in self.dav.sent() {
            self.judge_one(Side::Caldav, &sent, &before.caldav, &mut leaks);
        }
        for entry in self.world.sim.log().iter().skip(before.logged) {
            if let Some(sent) = requested(entry) {
                self.judge_one(Side::Google, &sent, &before.google, &mut leaks);
            }
        }
        self.leaks.lock().unwrap().extend(leaks);
    }

    fn judge_one(&self, to: Side, sent: &Sent, there: &Words, leaks: &mut Vec<String>) {
        let private = self.private_words(to, &sent.name);
        let name = match to {
            Side::Caldav => sent.name.as_str(),
            Side::Google => series_of(&sent.name),
        };
        for (field, text) in &sent.texts {
            // It is said there already.
            if there.contains(&(name.to_owned(), text.clone())) {
                continue;
            }
            let ruled = self.mapping.protects(to) && self.rules(*field);
            let why = if ruled && text.contains(pen(to.other())) {
                "the rule keeps it"
            } else if private.contains(text) {
                "it is private"
            } else if self.flows_back(sent, *field, text) {
                "a stripped copy flows back"
            } else {
                continue;
            };
            leaks.push(format!(
                "{to} {}: {field:?} {text:?}: {why} ({:?}, {:?})",
                sent.name, self.mapping.privacy, self.mapping.private_events
            ));
        }
    }

    /// Whether the privacy rule keeps this field.
    fn rules(&self, field: Field) -> bool {
        match (&self.mapping.privacy, field) {
            (Privacy::Full, _) => false,
            (Privacy::Busy, _) => true,
            (Privacy::Template(template), Field::Title) => !template.title.contains("{title}"),
            (Privacy::Template(template), Field::Description) => !template.description,
            (Privacy::Template(template), _) => !template.location,
        }
    }

    /// What a rule puts in place of words goes into copies only, where both sides have people.
    fn flows_back(&self, sent: &Sent, field: Field, text: &str) -> bool {
        self.mapping.direction == Direction::Bidirectional
            && sent.changes
            && field == Field::Title
            && !sent.name.starts_with("cds1")
            && matches!(text, "Busy" | "Away")
    }

    /// The words that the original of `name` says in private events only.
    fn private_words(&self, to: Side, name: &str) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        if !matches!(
            self.mapping.private_events,
            PrivateEvents::Busy | PrivateEvents::Skip
        ) {
            return words;
        }
        let mut public = BTreeSet::new();
        for (private, text) in self.words_of(to, name) {
            if private {
                words.insert(text);
            } else {
                public.insert(text);
            }
        }
        words.retain(|text| text.contains(pen(to.other())) && !public.contains(text));
        words
    }

    /// What the other side says of it, and whether in private.
    fn words_of(&self, to: Side, name: &str) -> Vec<(bool, String)> {
        let rows = self.store.rows_of(&self.mapping.id);
        // What a copy says of itself is nobody's secret.
        let linked = rows
            .iter()
            .filter(|row| row.copy == Some(to))
            .filter_map(|row| Some((row.links.caldav.as_ref()?, row.links.google.as_ref()?)));
        let mut said = Vec::new();
        for (caldav, google) in linked {
            match to {
                Side::Google => {
                    let base = series_of(name);
                    let is_it = |key: &str| key == name || key == base;
                    if !google.keys.iter().any(|key| is_it(key.as_str())) {
                        continue;
                    }
                    for (here, series) in self.dav.all() {
                        let uid = self.dav.uid(&here).unwrap_or_default();
                        if caldav.keys.iter().any(|key| key.as_str() == uid) {
                            said.extend(components(&series).flat_map(|fields| {
                                let private = fields.sensitivity != Sensitivity::Public;
                                words(fields).map(move |(_, text)| (private, text))
                            }));
                        }
                    }
                }
                Side::Caldav => {
                    if !caldav.resources.iter().any(|(_, id)| id.as_str() == name) {
                        continue;
                    }
                    for event in self.google_events() {
                        let of = |name: &str| {
                            let id = event[name].as_str();
                            id.is_some_and(|id| google.keys.iter().any(|key| key.as_str() == id))
                        };
                        if event["status"] == "cancelled" || !(of("id") || of("recurringEventId")) {
                            continue;
                        }
                        let visibility = event["visibility"].as_str();
                        let private = matches!(visibility, Some("private" | "confidential"));
                        said.extend(of_event(&event).map(|(_, text)| (private, text)));
                    }
                }
            }
        }
        said
    }
}
