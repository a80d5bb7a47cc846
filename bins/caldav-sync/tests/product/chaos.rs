//! Chaos: people edit both calendars at random while the program runs against a real CalDAV server,
//! through a proxy that spoils requests, and a Google that loses answers; the process is killed
//! again and again. When everybody has stopped, the two calendars must be equal, and everything
//! that nobody overruled must be there.
//!
//! - `place`: the CalDAV server as the people on that side see it, behind no proxy.
//! - `object`: an iCalendar object as a careful client edits it: only the lines it means.
//! - `cast`: who is in the play: each event, and every edit that was made to it.
//! - `people`: the edits themselves, on either side; `words`: what they write.
//! - `play`: one whole evening: edits, runs, trouble, kills.
//! - `verdict`: what must be true afterwards; `story`: what is told if it is not.
//!
//! A failure prints its seed. `SEED=7 EDITS=200 KILLS=10 cargo nextest run -p caldav-sync --test
//! product chaos` plays a whole evening; without these a short one, so that every test run has one.
//! Threads and processes race here: a seed repeats the people's plan, not every interleaving.

mod cast;
mod dice;
mod object;
mod people;
mod place;
mod play;
mod story;
mod verdict;
mod words;

use place::Place;
use play::Play;

/// How many edits people make, where `EDITS` does not say.
const EDITS: u64 = 36;
/// How often the program is killed, where `KILLS` does not say.
const KILLS: u64 = 3;

/// Which way a mapping goes, as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToGoogle,
    ToCaldav,
    Both,
}

/// One of the two calendars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Caldav,
    Google,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::ToGoogle => "caldav_to_google",
            Self::ToCaldav => "google_to_caldav",
            Self::Both => "bidirectional",
        }
    }

    /// Whether events made at `end` get a counterpart.
    const fn carries(self, end: End) -> bool {
        matches!(
            (self, end),
            (Self::Both, _) | (Self::ToGoogle, End::Caldav) | (Self::ToCaldav, End::Google)
        )
    }

    /// Whether an edit at `at` of an event that was made at `origin` must last.
    fn hears(self, at: End, origin: End) -> bool {
        self == Self::Both || at == origin
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

async fn evening(place: Place, way: Way) {
    let seed = number("SEED", 1);
    let (edits, kills) = (number("EDITS", EDITS), number("KILLS", KILLS));
    eprintln!(
        "SEED={seed} EDITS={edits} KILLS={kills} {} on {}",
        way.name(),
        place.name
    );
    let mut play = Play::prepare(place, way, seed).await;
    play.perform(edits, kills).await;
    verdict::judge(&mut play).await;
}

/// One test for each server and direction.
macro_rules! evenings {
    ($($name:ident: $place:ident, $way:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                // A server that is not installed is said to be missing, and skipped.
                if let Some(place) = Option::<Place>::from(Place::$place().await) {
                    evening(place, Way::$way).await;
                }
            }
        )*
    };
}

evenings! {
    chaos_to_google_radicale: radicale, ToGoogle;
    chaos_to_google_xandikos: xandikos, ToGoogle;
    chaos_to_google_sabre: sabre, ToGoogle;
    chaos_to_caldav_radicale: radicale, ToCaldav;
    chaos_to_caldav_xandikos: xandikos, ToCaldav;
    chaos_to_caldav_sabre: sabre, ToCaldav;
    chaos_both_radicale: radicale, Both;
    chaos_both_xandikos: xandikos, Both;
    chaos_both_sabre: sabre, Both;
}
