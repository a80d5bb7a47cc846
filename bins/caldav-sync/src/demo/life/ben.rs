//! What Ben does with the shared calendar at Google: to Ada's events as well as to his own. What he
//! does to hers is remembered, for Ada's program shows it to her after the next sync.

use jiff::ToSpan as _;

use super::super::entry::{Entry, Moved, When};
use super::ada::{CINEMA, FILMS};
use super::{Deed, Edit, Life, SHARED, Touch, instance, turn};

/// What the brunch is called.
const BRUNCHES: [&str; 3] = [
    "Brunch at ours, bring cake",
    "Late brunch at ours",
    "Brunch at ours",
];
/// What Ben would rather do than go to the cinema. One more than Ada's films: the same two meet only
/// every twentieth round, and the same two versions are one conflict on record.
const SHOWS: [&str; 5] = [
    "Theatre instead of cinema",
    "Circus instead of cinema",
    "Concert instead of cinema",
    "Puppets instead of cinema",
    "Skating instead of cinema",
];
/// Ben's own evenings; he drops each in the round after it was made.
const EVENINGS: [&str; 4] = [
    "Football training",
    "Dinner at the Okafors",
    "Games night",
    "Choir rehearsal",
];
/// The hours to which swimming moves, none of them its own.
const HOURS: [i8; 4] = [14, 16, 9, 17];
/// Which instance of swimming moves, in weeks after the first.
const WEEKS: i64 = 2;

impl Life {
    pub(super) fn rename_brunch(&mut self, round: usize) -> Option<Deed> {
        let to = turn(BRUNCHES, round)?;
        let entry = self.entry(SHARED, "family-brunch")?;
        to.clone_into(&mut entry.summary);
        Some(rename(BRUNCHES.map(str::to_owned).to_vec(), to, "brunch"))
    }

    /// Ben's side of a clash about the cinema evening. Ada's was asked before: where she is the
    /// later one, what she wrote stays.
    pub(super) fn choose_show(&mut self, round: usize) -> Option<Deed> {
        let to = turn(SHOWS, round)?;
        if round % 3 == 1 {
            to.clone_into(&mut self.entry(SHARED, CINEMA)?.summary);
        }
        let known = FILMS.iter().chain(&SHOWS).chain(&["Cinema"]);
        let titles = known.map(|title| (*title).to_owned()).collect();
        Some(rename(titles, to, "the cinema evening"))
    }

    pub(super) fn move_swimming(&mut self, round: usize) -> Option<Deed> {
        let hour = turn(HOURS, round)?;
        let entry = self.entry(SHARED, "family-swimming")?;
        let original = instance(entry, WEEKS)?;
        let start = original.date().at(hour, 0, 0, 0);
        let When::Timed(_, minutes) = entry.when else {
            return None;
        };
        entry.moved = vec![Moved {
            original,
            start,
            summary: entry.summary.clone(),
        }];
        let title = entry.summary.clone();
        Some(Deed {
            words: format!("moved \"{title}\" on {} to {hour}:00", start.date()),
            edit: Edit::Google(Touch::MoveInstance {
                titles: vec![title],
                original,
                start,
                minutes,
            }),
        })
    }

    pub(super) fn plan_evening(&mut self, round: usize) -> Option<Deed> {
        let title = turn(EVENINGS, round)?;
        let days = i64::try_from(3 + round % 7).ok()?;
        let start = self.today.checked_add(days.days()).ok()?.at(19, 30, 0, 0);
        let entry = Entry::new("", title, When::Timed(start, 90)).at("Somewhere in town");
        Some(Deed {
            words: format!("added \"{title}\""),
            edit: Edit::Google(Touch::Make(entry)),
        })
    }
}

/// The evening that was planned a round ago is off.
pub(super) fn drop_evening(round: usize) -> Option<Deed> {
    turn(EVENINGS, round.checked_sub(1)?).map(delete)
}

pub(super) fn drop_train() -> Deed {
    delete("Train to the sea")
}

#[cfg(test)]
pub(super) fn is_evening(title: &str) -> bool {
    EVENINGS.contains(&title)
}

fn rename(titles: Vec<String>, to: &str, what: &str) -> Deed {
    Deed {
        words: format!("renamed {what} to \"{to}\""),
        edit: Edit::Google(Touch::Rename {
            titles,
            to: to.to_owned(),
        }),
    }
}

fn delete(title: &str) -> Deed {
    Deed {
        words: format!("deleted \"{title}\""),
        edit: Edit::Google(Touch::Delete {
            titles: vec![title.to_owned()],
        }),
    }
}
