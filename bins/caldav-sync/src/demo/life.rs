//! The demo's scripted life, one step after another: Ada edits her calendars on the CalDAV side, Ben
//! the shared one at Google, and once in a round both edit the same event before a sync.
//!
//! Bounded: what a round adds a later one deletes, and names come again, so a demo that runs for a
//! week holds no more events than one that runs for a minute. Pure: steps are data, `world` plays
//! them. What each of them does is in `ada` and `ben`.

mod ada;
mod ben;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use super::entry::{Entry, When};
use super::samples::SampleCalendar;

/// The calendar that goes both ways.
pub(super) const SHARED: &str = "family";
/// The one that only goes to Google.
pub(super) const OWN: &str = "work";
/// Steps in a round.
pub(super) const ROUND: usize = 11;

/// What one person does at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    /// In words.
    pub(super) words: String,
    /// As data.
    pub(super) edit: Edit,
}

/// What a deed does to a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// Ada stores this entry in that calendar.
    Put {
        /// The calendar.
        slug: &'static str,
        /// The entry as it now is.
        entry: Entry,
    },
    /// Ada deletes the object of this name.
    Delete {
        /// The calendar.
        slug: &'static str,
        /// The object.
        name: String,
    },
    /// Ben does this to the shared calendar at Google.
    Google(Touch),
}

impl Edit {
    /// Who does it, and where.
    pub(super) fn who(&self) -> &'static str {
        match self {
            Self::Put { .. } | Self::Delete { .. } => "Ada, on the CalDAV side",
            Self::Google(_) => "Ben, at Google",
        }
    }
}

/// What Ben does. He finds events as people do, by their titles; `titles` are all that the event may
/// bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Touch {
    /// Makes a new event.
    Make(Entry),
    /// Gives an event another title.
    Rename {
        /// The event.
        titles: Vec<String>,
        /// Its new title.
        to: String,
    },
    /// Moves an instance of a series.
    MoveInstance {
        /// The series.
        titles: Vec<String>,
        /// Where the rule puts it.
        original: DateTime,
        /// Where it goes.
        start: DateTime,
        /// How long it lasts.
        minutes: i64,
    },
    /// Deletes an event.
    Delete {
        /// The event.
        titles: Vec<String>,
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

    /// What happens until the next sync, in order; nothing where a step has nothing to do yet.
    pub(super) fn next(&mut self) -> Vec<Deed> {
        let round = self.step / ROUND;
        let part = self.step % ROUND;
        self.step += 1;
        let one = match part {
            0 => self.visit(round),
            1 => self.rename_brunch(round),
            2 => return self.clash(round),
            3 => self.move_lunch(round),
            4 => self.move_swimming(round),
            5 => self.cancel_piano(round),
            6 => self.plan_evening(round),
            7 => self.move_standup(round),
            8 => self.leave(round),
            9 => ben::drop_evening(round),
            _ => self.note_number(round),
        };
        one.into_iter().collect()
    }

    /// Both edit the same event; who is later wins, and an edit wins against a deletion.
    fn clash(&mut self, round: usize) -> Vec<Deed> {
        let (ada, ben) = match round % 3 {
            2 => (self.change_platform(round), Some(ben::drop_train())),
            _ => (self.choose_film(round), self.choose_show(round)),
        };
        let mut deeds: Vec<Deed> = ada.into_iter().chain(ben).collect();
        // Ada is the later one, but for every third round.
        if round % 3 != 1 {
            deeds.reverse();
        }
        deeds
    }

    fn entry(&mut self, slug: &str, uid: &str) -> Option<&mut Entry> {
        let entries = &mut self.calendar(slug)?.entries;
        entries.iter_mut().find(|entry| entry.uid == uid)
    }

    fn calendar(&mut self, slug: &str) -> Option<&mut SampleCalendar> {
        self.calendars
            .iter_mut()
            .find(|calendar| calendar.slug == slug)
    }
}

/// The one whose turn it is.
fn turn<T: Copy, const N: usize>(all: [T; N], round: usize) -> Option<T> {
    all.get(round.checked_rem(N)?).copied()
}

/// The start of a weekly series' instance, so many weeks after its first.
fn instance(entry: &Entry, weeks: i64) -> Option<DateTime> {
    let When::Timed(start, _) = entry.when else {
        return None;
    };
    start.checked_add(weeks.weeks()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::super::samples;
    use super::*;

    fn size(calendars: &[SampleCalendar]) -> usize {
        calendars.iter().map(|c| c.entries.len()).sum()
    }

    #[test]
    fn a_long_life_stays_small_and_does_everything() {
        let today = date(2026, 11, 22);
        let calendars = samples::calendars(today);
        let before = size(&calendars);
        let mut life = Life::new(calendars, today);
        let mut said = BTreeSet::new();
        let mut names = BTreeSet::new();
        let mut made = 0_usize;
        for _ in 0..70 * ROUND {
            for Deed { words, edit } in life.next() {
                let verb = words.split(' ').next().unwrap_or_default();
                said.insert((edit.who(), verb.to_owned()));
                names.insert(match edit {
                    Edit::Put { entry, .. } => entry.name(),
                    Edit::Delete { name, .. } => name,
                    Edit::Google(Touch::Make(entry)) => {
                        made += 1;
                        entry.summary
                    }
                    Edit::Google(Touch::Delete { titles }) => {
                        made -= usize::from(ben::is_evening(&titles[0]));
                        titles[0].clone()
                    }
                    Edit::Google(_) => continue,
                });
            }
            assert!(made < 4, "Ben made {made} events that are still there");
        }
        let after = size(&life.calendars);
        assert!(after <= before + 5, "{before} became {after}");
        assert!(names.len() < 25, "{names:?}");
        let ada = "Ada, on the CalDAV side";
        let ben = "Ben, at Google";
        for (who, verb) in [
            (ada, "added"),
            (ada, "moved"),
            (ada, "renamed"),
            (ada, "cancelled"),
            (ada, "put"),
            (ada, "wrote"),
            (ada, "deleted"),
            (ben, "added"),
            (ben, "moved"),
            (ben, "renamed"),
            (ben, "deleted"),
        ] {
            let found = said.contains(&(who, verb.to_owned()));
            assert!(found, "{who}: {verb} is not in {said:?}");
        }
    }

    #[test]
    fn a_clash_is_about_one_event_and_changes_it_on_both_sides() {
        let today = date(2026, 11, 22);
        let mut life = Life::new(samples::calendars(today), today);
        let mut last = "Cinema".to_owned();
        for round in 0..12 {
            let steps: Vec<Vec<Deed>> = (0..ROUND).map(|_| life.next()).collect();
            let [first, second] = steps[2].as_slice() else {
                panic!("no clash in round {round}: {steps:?}");
            };
            assert_ne!(first.edit.who(), second.edit.who());
            if round % 3 == 2 {
                continue;
            }
            let title = |deed: &Deed| match &deed.edit {
                Edit::Put { entry, .. } => entry.summary.clone(),
                Edit::Google(Touch::Rename { to, .. }) => to.clone(),
                other => panic!("{other:?}"),
            };
            assert_ne!(title(first), last, "round {round}");
            assert_ne!(title(second), last, "round {round}");
            assert_ne!(title(first), title(second), "round {round}");
            last = title(second);
        }
    }
}
