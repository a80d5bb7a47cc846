//! What Ada does on the CalDAV side: visits that come and go, and changes to what is there.

use jiff::ToSpan as _;

use super::super::entry::{Entry, Moved, When};
use super::{Deed, Edit, Life, OWN, SHARED, Touch, instance, turn};

/// Visits that come and go; at most four are there at once.
const VISITORS: [&str; 5] = ["Nadia", "Linus", "Mei", "Omar", "Rosa"];
/// Instances of the piano lesson that may be cancelled at once.
const CANCELLED: usize = 2;
/// What Ada would like to see.
pub(super) const FILMS: [&str; 4] = [
    "Cinema: the long version",
    "Cinema with popcorn",
    "Open-air cinema",
    "Cinema for the small ones",
];
/// The cinema evening.
pub(super) const CINEMA: &str = "family-cinema";

impl Life {
    pub(super) fn visit(&mut self, round: usize) -> Option<Deed> {
        let who = turn(VISITORS, round)?;
        let days = i64::try_from(1 + round % 6).ok()?;
        let start = self.today.checked_add(days.days()).ok()?.at(18, 0, 0, 0);
        let title = dinner(who);
        let mut entry = Entry::new(uid(who), &title, When::Timed(start, 120)).at("At home");
        entry.sequence = u32::try_from(round).ok()?;
        let calendar = self.calendar(SHARED)?;
        calendar.entries.retain(|other| other.uid != entry.uid);
        calendar.entries.push(entry.clone());
        Some(Deed {
            words: format!("added \"{title}\""),
            edit: Edit::Put {
                slug: SHARED,
                entry,
            },
        })
    }

    /// The visitor of three rounds ago goes. Ada and Ben take turns in striking visits out.
    pub(super) fn leave(&mut self, round: usize) -> Option<Deed> {
        let who = turn(VISITORS, round.checked_sub(3)?)?;
        let uid = uid(who);
        let calendar = self.calendar(SHARED)?;
        let at = calendar.entries.iter().position(|entry| entry.uid == uid)?;
        let gone = calendar.entries.remove(at);
        let edit = if round.is_multiple_of(2) {
            Edit::Delete {
                slug: SHARED,
                name: gone.name(),
            }
        } else {
            Edit::Google(Touch::Delete {
                titles: vec![gone.summary.clone()],
            })
        };
        Some(Deed {
            words: format!("deleted \"{}\"", gone.summary),
            edit,
        })
    }

    /// Another hour of the same day, between 11 and 15.
    pub(super) fn move_lunch(&mut self, round: usize) -> Option<Deed> {
        self.change(OWN, "work-lunch", |entry| {
            if let When::Timed(start, _) = &mut entry.when {
                let hour = i8::try_from(11 + round % 5).unwrap_or(12);
                *start = start.date().at(hour, 30, 0, 0);
            }
            format!("moved \"{}\"", entry.summary)
        })
    }

    /// Ada's side of a clash about the cinema evening.
    pub(super) fn choose_film(&mut self, round: usize) -> Option<Deed> {
        let film = turn(FILMS, round)?;
        self.change(SHARED, CINEMA, |entry| {
            film.clone_into(&mut entry.summary);
            format!("renamed the cinema evening to \"{film}\"")
        })
    }

    /// Ada's side of a clash about the train.
    pub(super) fn change_platform(&mut self, round: usize) -> Option<Deed> {
        self.change(SHARED, "family-train", |entry| {
            entry.location = format!("Main station, platform {}", 1 + round % 9);
            format!("wrote the platform into \"{}\"", entry.summary)
        })
    }

    /// Cancels an instance; when enough are cancelled, all take place again.
    pub(super) fn cancel_piano(&mut self, round: usize) -> Option<Deed> {
        self.change(SHARED, "family-piano", |entry| {
            if entry.cancelled.len() >= CANCELLED {
                entry.cancelled.clear();
                return format!("put all cancelled instances of \"{}\" back", entry.summary);
            }
            // The first weeks hold the one that is moved from the start.
            let weeks = i64::try_from(2 + round % 4).unwrap_or(2);
            match instance(entry, weeks) {
                Some(instance) if !entry.cancelled.contains(&instance) => {
                    entry.cancelled.push(instance);
                    format!("cancelled \"{}\" on {}", entry.summary, instance.date())
                }
                _ => format!("touched \"{}\"", entry.summary),
            }
        })
    }

    /// Another hour for the stand-up that is moved from the start.
    pub(super) fn move_standup(&mut self, round: usize) -> Option<Deed> {
        self.change(OWN, "work-standup", |entry| {
            let hour = i8::try_from(10 + round % 6).unwrap_or(11);
            match entry.moved.first_mut() {
                Some(Moved { start, .. }) => {
                    *start = start.date().at(hour, 0, 0, 0);
                    format!("moved one \"{}\" to {hour}:00", entry.summary)
                }
                None => format!("touched \"{}\"", entry.summary),
            }
        })
    }

    pub(super) fn note_number(&mut self, round: usize) -> Option<Deed> {
        self.change(OWN, "work-call", |entry| {
            entry.description = format!("Dial in: 0800 555 {:04}", 100 + round % 900);
            format!("wrote another number into \"{}\"", entry.summary)
        })
    }

    fn change(
        &mut self,
        slug: &'static str,
        uid: &str,
        change: impl FnOnce(&mut Entry) -> String,
    ) -> Option<Deed> {
        let entry = self.entry(slug, uid)?;
        entry.sequence += 1;
        let words = change(entry);
        let entry = entry.clone();
        Some(Deed {
            words,
            edit: Edit::Put { slug, entry },
        })
    }
}

fn dinner(who: &str) -> String {
    format!("{who} comes for dinner")
}

fn uid(who: &str) -> String {
    format!("visit-{}", who.to_lowercase())
}
