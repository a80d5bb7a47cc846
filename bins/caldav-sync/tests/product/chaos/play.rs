//! One evening: edits on both sides, runs in between and at the same time, trouble on both wires,
//! and a program that dies and comes back.

use serde_json::{Value, json};
use simulators::google::{Action, Fault, GoogleSim};
use testkit::CountingProxy;

use super::cast::Event;
use super::dice::Dice;
use super::place::Place;
use super::{End, Way};
use crate::common::{Stage, wait_until};

/// Events at the start, on each side. Some are never deleted, so that never "all of them" go.
const AT_FIRST: usize = 4;

/// Of a thousand requests to the CalDAV server, so many go wrong.
const SPOILED: u32 = 60;

/// The stage with everybody on it.
pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) place: Place,
    pub(super) proxy: CountingProxy,
    pub(super) way: Way,
    pub(super) mapping: String,
    pub(super) dice: Dice,
    pub(super) events: Vec<Event>,
    /// Events made, to name them.
    pub(super) made: u32,
    /// Words used, so that no two edits say the same.
    pub(super) told: u32,
    /// Runs that somebody waited for and that succeeded.
    pub(super) well: u64,
}

impl Play {
    /// Sets everything up: both calendars with a few events, and a first run.
    pub(super) async fn prepare(place: Place, way: Way, seed: u64) -> Self {
        let proxy = CountingProxy::start(&place.url);
        let stage = Stage::start();
        let account = stage.add_caldav(proxy.url()).await;
        stage.sign_in().await;
        let policy = if seed.is_multiple_of(2) {
            "merge"
        } else {
            "latest"
        };
        let settings = json!({
            "direction": way.name(),
            "conflict_policy": policy,
            "window": { "past_days": 1, "future_days": 60 },
            "deletion_limit": { "count": 1000, "percent": 100 },
        });
        let mapping = stage.map(&account, "work", &settings).await;
        let mut play = Self {
            stage,
            place,
            proxy,
            way,
            mapping,
            dice: Dice(seed),
            events: Vec::new(),
            made: 0,
            told: 0,
            well: 0,
        };
        for _ in 0..AT_FIRST {
            play.make(End::Caldav).await;
            play.make(End::Google).await;
        }
        play.run().await;
        play
    }

    /// So many edits, with runs, trouble and so many kills between them.
    pub(super) async fn perform(&mut self, edits: u64, kills: u64) {
        let mut killed = 0;
        self.proxy.faults(self.dice.0, SPOILED);
        for step in 1..=edits {
            let end = if self.dice.percent(50) {
                End::Caldav
            } else {
                End::Google
            };
            if self.dice.percent(12) || !self.edit(end).await {
                self.make(end).await;
            }
            match self.dice.roll(12) {
                0..=2 => drop(self.run().await),
                3 | 4 => self.start_run().await,
                5 => self.spoil_google(),
                _ => {}
            }
            if step * kills / edits > killed {
                killed += 1;
                self.kill().await;
            }
        }
        assert_eq!(killed, kills, "every kill took place");
    }

    /// A run that is waited for.
    pub(super) async fn run(&mut self) -> Value {
        let run = self.stage.api().sync(&self.mapping).await;
        if run["status"] == "success" && run["deferred"] == 0 {
            self.well += 1;
        }
        run
    }

    /// A run that goes on while people go on, too.
    async fn start_run(&self) {
        let asked = json!({ "mapping_id": self.mapping });
        self.stage.api().post_for(202, "/sync", &asked).await;
    }

    /// SIGKILL somewhere in a run, after some requests of it; then up again.
    async fn kill(&mut self) {
        let before = requests(&self.proxy, &self.stage.google);
        let enough = before + usize::try_from(1 + self.dice.roll(14)).unwrap();
        self.start_run().await;
        let (stage, proxy, api) = (&self.stage, &self.proxy, self.stage.api());
        wait_until("the moment to be killed", async || {
            let over = async || api.get("/status").await["scheduler"]["running"] == 0;
            let now = requests(proxy, &stage.google);
            (now >= enough || (now > before && over().await)).then_some(())
        })
        .await;
        self.stage.down().kill();
        self.stage.up();
    }

    /// The next fitting request to Google goes wrong, or its tokens are void.
    fn spoil_google(&mut self) {
        let methods = [
            "events.insert",
            "events.patch",
            "events.delete",
            "events.list",
        ];
        let methods = if self.way == Way::ToCaldav {
            &methods[3..]
        } else {
            &methods[..]
        };
        let method = *self.dice.pick(methods);
        let fault = match self.dice.roll(6) {
            0 | 1 => Fault::lost_answer(method),
            2 => Fault::before(method, Action::Reset),
            3 => Fault::status(method, 503, "backendError"),
            4 => return self.stage.google.expire_sync_tokens(),
            _ => return self.stage.google.expire_access_tokens(),
        };
        let nth = 1 + u32::try_from(self.dice.roll(2)).unwrap();
        self.stage.google.fault(fault.nth(nth));
    }
}

fn requests(proxy: &CountingProxy, google: &GoogleSim) -> usize {
    proxy.total() + google.log().len()
}
