//! The demo's scripted life: somebody keeps editing the sample calendars, one edit a step, in a
//! round that adds, moves, renames, cancels an instance, moves an instance, restores and deletes.
//!
//! Bounded: what a round adds a later one deletes, and names come again, so a demo that runs for a
//! week holds no more events than one that runs for a minute. Pure: steps are data, `demo` plays
//! them on the server.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use super::entry::{Entry, Moved, When};
use super::samples::SampleCalendar;

/// Visits that come and go; at most this many are there at once, less one.
const VISITORS: [&str; 5] = ["Ada", "Linus", "Mei", "Omar", "Rosa"];
/// Instances of the piano lesson that may be cancelled at once.
const CANCELLED: usize = 2;

/// What a step did to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Store this entry in that calendar.
    Put {
        /// The calendar.
        slug: &'static str,
        /// The entry as it now is.
        entry: Entry,
    },
    /// Delete the object of this name.
    Delete {
        /// The calendar.
        slug: &'static str,
        /// The object.
        name: String,
    },
}

/// Who lives it.
#[derive(Debug)]
pub(super) struct Life {
    calendars: Vec<SampleCalendar>,
    today: Date,
    step: usize,
}

impl Life {
    pub(super) fn new(calendars: Vec<SampleCalendar>, today: Date) -> Self {
        Self {
            calendars,
            today,
            step: 0,
        }
    }

    /// The next edit, and what it is in words.
    pub(super) fn next(&mut self) -> Option<(String, Edit)> {
        let round = self.step / 7;
        let part = self.step % 7;
        self.step += 1;
        match part {
            0 => self.visit(round),
            1 => self.change("work", "work-lunch", |entry| {
                shift(entry, round);
                "moved \"Lunch with Noor\"".to_owned()
            }),
            2 => self.change("family", "family-cinema", |entry| {
                let films = [
                    "Cinema",
                    "Cinema: the long version",
                    "Theatre instead of cinema",
                ];
                let film = films
                    .get((round + 1) % films.len())
                    .copied()
                    .unwrap_or("Cinema");
                film.clone_into(&mut entry.summary);
                format!("renamed the cinema evening to \"{film}\"")
            }),
            3 => self.change("family", "family-piano", |entry| cancel(entry, round)),
            4 => self.change("work", "work-standup", |entry| move_instance(entry, round)),
            5 => self.change("work", "work-call", |entry| {
                let text = format!("Dial in: 0800 555 {:04}", 100 + round % 900);
                entry.description.clone_from(&text);
                "wrote another number into \"Call with Lisbon\"".to_owned()
            }),
            _ => self.leave(round),
        }
    }

    fn visit(&mut self, round: usize) -> Option<(String, Edit)> {
        let who = VISITORS.get(round % VISITORS.len())?;
        let days = i64::try_from(1 + round % 6).ok()?;
        let start = self.today.checked_add(days.days()).ok()?.at(18, 0, 0, 0);
        let uid = format!("visit-{}", who.to_lowercase());
        let title = format!("{who} comes for dinner");
        let mut entry = Entry::new(uid, &title, When::Timed(start, 120)).at("At home");
        entry.sequence = u32::try_from(round).ok()?;
        let calendar = self.calendar("family")?;
        calendar.entries.retain(|other| other.uid != entry.uid);
        calendar.entries.push(entry.clone());
        let edit = Edit::Put {
            slug: "family",
            entry,
        };
        Some((format!("added \"{title}\""), edit))
    }

    /// The visitor of three rounds ago goes.
    fn leave(&mut self, round: usize) -> Option<(String, Edit)> {
        let who = VISITORS.get((round + VISITORS.len() - 3) % VISITORS.len())?;
        let uid = format!("visit-{}", who.to_lowercase());
        let calendar = self.calendar("family")?;
        let at = calendar.entries.iter().position(|entry| entry.uid == uid)?;
        let gone = calendar.entries.remove(at);
        let edit = Edit::Delete {
            slug: "family",
            name: gone.name(),
        };
        Some((format!("deleted \"{}\"", gone.summary), edit))
    }

    fn change(
        &mut self,
        slug: &'static str,
        uid: &str,
        change: impl FnOnce(&mut Entry) -> String,
    ) -> Option<(String, Edit)> {
        let calendar = self.calendar(slug)?;
        let entry = calendar.entries.iter_mut().find(|entry| entry.uid == uid)?;
        entry.sequence += 1;
        let words = change(entry);
        let entry = entry.clone();
        Some((words, Edit::Put { slug, entry }))
    }

    fn calendar(&mut self, slug: &str) -> Option<&mut SampleCalendar> {
        self.calendars
            .iter_mut()
            .find(|calendar| calendar.slug == slug)
    }
}

/// Another hour of the same day, between 11 and 15.
fn shift(entry: &mut Entry, round: usize) {
    if let When::Timed(start, _) = &mut entry.when {
        let hour = i8::try_from(11 + round % 5).unwrap_or(12);
        *start = start.date().at(hour, 30, 0, 0);
    }
}

/// Cancels the instance so many weeks ahead; when enough are cancelled, all take place again.
fn cancel(entry: &mut Entry, round: usize) -> String {
    if entry.cancelled.len() >= CANCELLED {
        entry.cancelled.clear();
        return format!("put all cancelled instances of \"{}\" back", entry.summary);
    }
    // Week 1 holds the one that is moved from the start.
    match instance(entry, 2 + round % 4) {
        Some(instance) if !entry.cancelled.contains(&instance) => {
            entry.cancelled.push(instance);
            format!("cancelled \"{}\" on {}", entry.summary, instance.date())
        }
        _ => format!("touched \"{}\"", entry.summary),
    }
}

/// Another hour for the stand-up that is moved from the start.
fn move_instance(entry: &mut Entry, round: usize) -> String {
    let hour = i8::try_from(10 + round % 6).unwrap_or(11);
    match entry.moved.first_mut() {
        Some(Moved { start, .. }) => {
            *start = start.date().at(hour, 0, 0, 0);
            format!("moved one \"{}\" to {hour}:00", entry.summary)
        }
        None => format!("touched \"{}\"", entry.summary),
    }
}

/// The start of a weekly series' instance, so many weeks after its first.
fn instance(entry: &Entry, weeks: usize) -> Option<DateTime> {
    let When::Timed(start, _) = entry.when else {
        return None;
    };
    start.checked_add(i64::try_from(weeks).ok()?.weeks()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::super::samples;
    use super::*;

    #[test]
    fn a_long_life_stays_small_and_does_everything() {
        let today = date(2026, 11, 22);
        let calendars = samples::calendars(today);
        let before: usize = calendars
            .iter()
            .map(|calendar| calendar.entries.len())
            .sum();
        let mut life = Life::new(calendars, today);
        let mut said = BTreeSet::new();
        let mut names = BTreeSet::new();
        for _ in 0..700 {
            if let Some((words, edit)) = life.next() {
                said.insert(words.split(' ').next().unwrap_or_default().to_owned());
                names.insert(match edit {
                    Edit::Put { entry, .. } => entry.name(),
                    Edit::Delete { name, .. } => name,
                });
            }
        }
        let after: usize = life
            .calendars
            .iter()
            .map(|calendar| calendar.entries.len())
            .sum();
        assert!(after <= before + VISITORS.len(), "{before} became {after}");
        assert!(names.len() < 20, "{names:?}");
        for verb in [
            "added",
            "moved",
            "renamed",
            "cancelled",
            "put",
            "wrote",
            "deleted",
        ] {
            assert!(said.contains(verb), "{verb} is not in {said:?}");
        }
    }
}
