//! What has to hold once people are done.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sync_engine::conflict::{Decision, Keep};
use sync_engine::identity::OriginTag;
use sync_engine::projection::PrivateEvents;
use sync_engine::recurrence::ends_before_start;
use sync_engine::row::RowState;

use super::dice::Dice;
use super::shown::{All, Excused};
use super::world::{Both, brief, brief_series, tell};

/// What does not hold: a short name of it, and everything one wants to see then.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) detail: String,
}

type Held = Result<(), Broken>;

impl Both {
    /// The edits are over: runs until nothing is left to do. Then both show the same, nothing is
    /// gone, and one more run does nothing.
    pub(crate) async fn settles(&self, context: &str) {
        if let Err(broken) = self.settled(&mut Dice::new(0)).await {
            panic!("{context}: {}\n{}", broken.what, broken.detail);
        }
    }

    pub(crate) async fn settled(&self, dice: &mut Dice) -> Held {
        self.world.sim.clear_faults();
        self.dav.calm();
        self.world.sim.advance(SignedDuration::from_hours(25));
        for _ in 0..7 {
            self.answer(dice);
            let report = self.foreseen_run().await.unwrap();
            if report
                .error
                .is_some_and(|error| error.code == "plan_changed")
            {
                return Err(self.broken("a run did not do what its preview said", ""));
            }
            // Whatever waits for a while is tried again.
            self.world.sim.advance(SignedDuration::from_hours(5));
        }
        let excused = self.excused();
        tell(&format!(
            "=== settled at {}, excused: {excused:?}, CalDAV has {:?}",
            self.world.sim.now(),
            self.dav.all().keys()
        ));
        self.equal(&excused)?;
        self.nothing_is_lost(&excused)?;
        self.once()?;
        self.mails_nobody()?;
        self.keeps_to_its_side()?;
        self.keeps_secrets()?;
        self.writes_little()?;
        self.quiet(&excused).await
    }

    /// People answer whatever waits for them.
    fn answer(&self, dice: &mut Dice) {
        for held in self.store.held(&self.mapping.id) {
            self.store.approve(&self.mapping.id, &held.id);
        }
        for conflict in self.store.open_conflicts(&self.mapping.id) {
            let keep = [Keep::Caldav, Keep::Google, Keep::Merged];
            let decision = Decision {
                conflict: conflict.id.clone(),
                row: conflict.row.clone(),
                keep: dice.pick(&keep).clone(),
            };
            self.store.decide(&self.mapping.id, decision);
        }
    }

    /// P2.
    fn equal(&self, excused: &Excused) -> Held {
        if self.mapping.private_events == PrivateEvents::Skip {
            // Each side has private events that the other does not.
            return Ok(());
        }
        let (caldav, google) = (self.caldav_shows(excused), self.google_shows(excused));
        if caldav == google {
            return Ok(());
        }
        let only = |a: &All, b: &All| -> Vec<String> {
            a.iter()
                .filter(|(key, n)| b.get(*key) != Some(n))
                .map(|(key, n)| format!("{n} x {key:?}"))
                .collect()
        };
        Err(self.broken(
            "P2 the sides differ",
            format!(
                "CalDAV only:\n  {}\nGoogle only:\n  {}\nexcused: {excused:?}",
                only(&caldav, &google).join("\n  "),
                only(&google, &caldav).join("\n  ")
            ),
        ))
    }

    /// P3: what a person made and nobody deleted is there.
    fn nothing_is_lost(&self, excused: &Excused) -> Held {
        let ledger = self.ledger.lock().unwrap();
        let here = self.dav.all();
        for name in &ledger.caldav {
            if !here.contains_key(name) && !excused.caldav.contains(name) {
                return Err(self.broken("P3 deleted on CalDAV", format!("{name} is gone")));
            }
        }
        let there = self.google_events();
        for id in &ledger.google {
            let alive = there
                .iter()
                .any(|event| event["id"] == **id && event["status"] != "cancelled");
            if !alive {
                return Err(self.broken("P3 deleted at Google", format!("{id} is gone")));
            }
        }
        Ok(())
    }

    /// Every copy is there once.
    fn once(&self) -> Held {
        let mut proofs = BTreeSet::new();
        for event in self.google_events() {
            let id = event["id"].as_str().unwrap_or_default();
            let tag = event["extendedProperties"]["private"]["caldav-sync"].as_str();
            let alive = event["status"] != "cancelled" && event["recurringEventId"].is_null();
            let proven = tag
                .and_then(OriginTag::from_text)
                .filter(|tag| alive && tag.google_id().as_str() == id);
            if let Some(tag) = proven
                && !proofs.insert((tag.uid_hash.clone(), tag.recurrence_id))
            {
                return Err(self.broken("P12 two copies of one event", tag.to_text()));
            }
        }
        let mut uids = BTreeSet::new();
        for name in self.dav.all().keys() {
            if let Some(uid) = self.dav.uid(name)
                && !uids.insert(uid)
            {
                return Err(self.broken("P12 one UID twice", name.clone()));
            }
        }
        Ok(())
    }

    /// P11.
    fn mails_nobody(&self) -> Held {
        let ours: Vec<_> = self
            .world
            .sim
            .log()
            .into_iter()
            .filter(|entry| entry.effect && entry.method.starts_with("events."))
            .filter(|entry| {
                !entry
                    .query
                    .iter()
                    .any(|(name, value)| name == "sendUpdates" && value == "none")
            })
            .collect();
        // A person's own edit may be refused.
        let mut violations = self.world.sim.violations();
        violations.retain(|what| !what.starts_with("as-user"));
        if ours.is_empty() && violations.is_empty() {
            return Ok(());
        }
        Err(self.broken("P11 mail", format!("{ours:?} {violations:?}")))
    }

    /// P5.
    fn keeps_to_its_side(&self) -> Held {
        if self.ledger.lock().unwrap().wrong_side {
            return Err(self.broken("P5 the wrong side was written", ""));
        }
        Ok(())
    }

    /// P9, of everything that was sent so far.
    fn keeps_secrets(&self) -> Held {
        let leaks = self.leaks.lock().unwrap();
        if leaks.is_empty() {
            return Ok(());
        }
        Err(self.broken("P9 a secret left", leaks.join("\n")))
    }

    /// P13, as far as a whole life tells: a change of a series that Google holds as single events,
    /// or of the settings, is many writes.
    fn writes_little(&self) -> Held {
        let edits = self.ledger.lock().unwrap().edits;
        let writes = self.world.sim.counts().writes_total() + self.dav.writes();
        if writes <= 12 * (edits + 10) {
            return Ok(());
        }
        Err(self.broken("P13 many writes", format!("{writes} for {edits} edits")))
    }

    /// P1: nothing changed, and nothing is due.
    async fn quiet(&self, excused: &Excused) -> Held {
        let soon = self.world.sim.now() + SignedDuration::from_mins(11);
        let rows = self.store.rows_of(&self.mapping.id);
        if rows
            .iter()
            .any(|row| row.due.is_some_and(|due| due <= soon))
        {
            // An occurrence enters the window just now.
            self.run().await;
        }
        self.world.sim.clear_log();
        self.dav.asked();
        let writes = self.dav.writes();
        let report = self.run().await;
        let asked: Vec<String> = self
            .world
            .sim
            .log()
            .into_iter()
            .map(|entry| entry.method)
            .filter(|method| method != "token")
            .collect();
        let aside = self
            .store
            .rows_of(&self.mapping.id)
            .iter()
            .any(|row| row.state == RowState::SetAside);
        if aside {
            return Err(self.broken("a loop was cut", format!("{:#?}", report.events)));
        }
        let caldav = (self.dav.asked(), self.dav.writes() - writes);
        if asked == ["events.list"] && caldav == ((1, 0), 0) || !excused.nothing() {
            return Ok(());
        }
        Err(self.broken(
            "P1 not quiet",
            format!("Google {asked:?}, CalDAV {caldav:?} {:#?}", report.events),
        ))
    }

    /// The database is lost: everything is found again, nothing is made twice; and nothing is written
    /// where the settings always were what they are (`steady`).
    pub(crate) async fn found_again(&mut self, dice: &mut Dice, steady: bool) -> Held {
        // A series that ends before it starts is written in two ways: its form may be settled again.
        let twofold = self.dav.all().into_values().any(|series| {
            let master = series.master.as_ref();
            master.is_some_and(|master| {
                let repeats = master.recurrence.as_ref();
                repeats.is_some_and(|repeats| ends_before_start(&master.when, repeats))
            })
        });
        let calm = steady && !twofold && self.excused().nothing();
        // Lost while all is to be seen: what Google does not show yet is not as it was.
        for _ in 0..4 {
            self.run().await;
        }
        self.store = sync_engine::memory::MemoryStore::new();
        self.world.sim.clear_log();
        let before = self.dav.writes();
        self.run().await;
        let writes = self.world.sim.counts().writes_total() + self.dav.writes() - before;
        if writes > 0 && calm {
            return Err(self.broken("P12 the lost database", format!("{writes} writes")));
        }
        self.settled(dice).await
    }

    pub(crate) fn broken(&self, what: &'static str, detail: impl std::fmt::Display) -> Broken {
        let google: Vec<String> = self.google_events().iter().map(brief).collect();
        let caldav: Vec<String> = self
            .dav
            .all()
            .iter()
            .map(|(name, series)| format!("{name} {}", brief_series(series)))
            .collect();
        let rows: Vec<String> = self
            .store
            .rows_of(&self.mapping.id)
            .iter()
            .map(|row| {
                let keys = |keys: Option<String>| keys.unwrap_or_default();
                let caldav = row.links.caldav.as_ref();
                let google = row.links.google.as_ref();
                format!(
                    "{} copy={:?} gen={} {:?} due={:?} caldav={} google={} expanded={:?} {:?} \
                     open={:?} unsure={} anew={}\n    CalDAV showed {}\n    Google showed {}",
                    row.key.as_str(),
                    row.copy,
                    row.generation,
                    row.state,
                    row.due,
                    keys(caldav.map(|link| format!("{:?}", link.keys))),
                    keys(google.map(|link| format!("{:?}", link.keys))),
                    google.map(|link| link.expanded),
                    row.setbacks,
                    row.open,
                    row.unsure,
                    row.anew,
                    caldav.map_or(String::new(), |link| brief_series(&link.echo)),
                    google.map_or(String::new(), |link| brief_series(&link.echo)),
                )
            })
            .collect();
        Broken {
            what,
            detail: format!(
                "{detail}\nmapping {:?} {:?} {:?} {:?}\nCalDAV\n  {}\nGoogle\n  {}\nrows\n  {}",
                self.mapping.direction,
                self.mapping.conflict_policy,
                self.mapping.privacy,
                self.mapping.private_events,
                caldav.join("\n  "),
                google.join("\n  "),
                rows.join("\n  ")
            ),
        }
    }
}
