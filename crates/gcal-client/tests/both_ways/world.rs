//! Both calendars, what joins them, and what people did: the ground truth of the checks.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gcal_client::{GoogleCalendar, Pace};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulators::google::{DEFAULT_ACCOUNT, GoogleSimConfig};
use sync_engine::identity::OriginTag;
use sync_engine::mapping::{DeletionLimit, Direction, Mapping};
use sync_engine::memory::{MemoryError, MemoryStore};
use sync_engine::model::{
    AccountId, CalendarId, Fields, MappingId, OverrideValue, PlanId, RunId, Series, Uid,
};
use sync_engine::ports::Clock;
use sync_engine::ports::store::{CalendarKey, Store as _};
use sync_engine::report::RunReport;
use sync_engine::run::Run;

use super::dav::Dav;
use super::harness::{SimTime, World};

impl Clock for SimTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// What people made and did not delete, on either side: it has to be there in the end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) caldav: BTreeSet<String>,
    pub(crate) google: BTreeSet<String>,
    /// How often people did something.
    pub(crate) edits: u64,
    /// A run wrote to the side its direction does not lead to.
    pub(crate) wrong_side: bool,
}

/// A count for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sided {
    caldav: u64,
    google: u64,
}

pub(crate) struct Both {
    pub(crate) world: World,
    pub(crate) dav: Dav,
    pub(crate) store: MemoryStore,
    pub(crate) mapping: Mapping,
    /// The way it goes, where nobody changes that.
    pub(crate) for_good: Option<Direction>,
    pub(crate) ledger: Mutex<Ledger>,
    /// What was sent that a rule keeps back.
    pub(crate) leaks: Mutex<Vec<String>>,
    /// What went wrong in earlier runs, for the one who reads a failure.
    runs: AtomicU32,
}

/// What a run borrows.
struct Surroundings {
    google: GoogleCalendar,
    clock: SimTime,
    stop: AtomicBool,
}

impl Surroundings {
    fn run<'a>(
        &'a self,
        both: &'a Both,
        store: &'a MemoryStore,
        id: String,
        only: Option<PlanId>,
    ) -> Run<'a, Dav, GoogleCalendar, MemoryStore, SimTime> {
        Run {
            mapping: &both.mapping,
            id: RunId::new(id),
            caldav: &both.dav,
            google: &self.google,
            store,
            clock: &self.clock,
            stop: &self.stop,
            round: None,
            joining: None,
            only,
        }
    }
}

impl Both {
    fn surroundings(&self) -> Surroundings {
        Surroundings {
            google: self.world.calendar(),
            clock: SimTime(self.world.sim.clone()),
            stop: AtomicBool::new(false),
        }
    }

    pub(crate) fn new(config: GoogleSimConfig) -> Self {
        let account = AccountId::new("a");
        let mut mapping = Mapping::new(
            MappingId::new("m"),
            CalendarKey {
                account: account.clone(),
                calendar: CalendarId::new("https://dav.example/alice/work/"),
            },
            CalendarKey {
                account,
                calendar: CalendarId::new(DEFAULT_ACCOUNT),
            },
        );
        // The guard has tests of its own.
        mapping.deletion_limit = DeletionLimit {
            count: 1000,
            percent: 100,
        };
        let world = World::in_process(config, Pace::unlimited());
        Self {
            dav: Dav::new(world.sim.clone()),
            world,
            store: MemoryStore::new(),
            mapping,
            for_good: None,
            ledger: Mutex::default(),
            leaks: Mutex::default(),
            runs: AtomicU32::new(0),
        }
    }

    pub(crate) async fn try_run(&self) -> Result<RunReport, MemoryError> {
        self.world.sim.advance(SignedDuration::from_mins(11));
        let writes = self.writes();
        let report = self.run_exactly(None).await;
        self.keep_to_its_side(writes);
        report
    }

    /// Nothing is in the way: the run does exactly what a look at it said before.
    pub(crate) async fn foreseen_run(&self) -> Result<RunReport, MemoryError> {
        self.world.sim.advance(SignedDuration::from_mins(11));
        let writes = self.writes();
        let plan = self.foreseen().await;
        let report = self.run_exactly(plan).await;
        self.keep_to_its_side(writes);
        report
    }

    /// Writes at both sides so far.
    fn writes(&self) -> Sided {
        Sided {
            caldav: self.dav.writes(),
            google: self.world.sim.counts().writes_total(),
        }
    }

    /// P5, for one run: only what its direction leads to was written.
    fn keep_to_its_side(&self, before: Sided) {
        let after = self.writes();
        let caldav = self.towards_google() && after.caldav > before.caldav;
        let google = self.towards_caldav() && after.google > before.google;
        if caldav || google {
            self.ledger.lock().unwrap().wrong_side = true;
        }
    }

    /// What the next run would do, asked of a copy of what is stored.
    async fn foreseen(&self) -> Option<PlanId> {
        let open = self.store.open_intents(&self.mapping.id).await.unwrap();
        // What a run finds out about an interrupted one, and a calendar that shows new events only
        // after a while, make it another plan.
        let mut late = 0;
        self.world.sim.knobs(|knobs| late = knobs.invisible_for);
        if !open.is_empty() || late > 0 {
            return None;
        }
        let store = self.store.clone();
        let at = self.surroundings();
        let look = at.run(self, &store, "look".to_owned(), None);
        let writes = self.writes();
        let guarded = look.preview().await.unwrap().ok();
        assert_eq!(self.writes(), writes, "a preview wrote");
        guarded.map(|guarded| guarded.id())
    }

    async fn run_exactly(&self, only: Option<PlanId>) -> Result<RunReport, MemoryError> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let at = self.surroundings();
        let run = at.run(self, &self.store, format!("r{number}"), only);
        let before = self.world.sim.log().len();
        let there = self.before();
        let report = run.run().await;
        self.judge(&there);
        if std::env::var("TELL").is_ok_and(|tell| tell != "1") {
            for entry in self.world.sim.log().iter().skip(before) {
                let body = entry.body.as_ref().map(ToString::to_string);
                eprintln!(
                    "    {} {} {:?} {} {}",
                    entry.http,
                    entry.path,
                    entry.query,
                    body.unwrap_or_default(),
                    entry.status
                );
            }
        }
        if std::env::var("TELL").is_ok() {
            Self::tell(number, report.as_ref().ok());
        }
        if std::env::var("TELL").is_ok_and(|tell| tell == "3") {
            eprintln!("{}", self.broken("rows", "").detail);
        }
        report
    }

    fn tell(number: u32, report: Option<&RunReport>) {
        let Some(report) = report else {
            eprintln!("--- run {number}: the store broke");
            return;
        };
        eprintln!(
            "--- run {number}: {:?} {:?}",
            report.status,
            report.error.as_ref().map(|error| &error.code)
        );
        for event in &report.events {
            eprintln!(
                "    {:?} {} {:?} {:?} {:?} {} {:?}",
                event.side,
                event.uid,
                event.recurrence_id,
                event.action,
                event.reason,
                event.error.as_ref().map_or("", |error| &error.code),
                event
                    .changes
                    .iter()
                    .map(|change| format!("{:?}: {} > {}", change.field, change.from, change.to))
                    .collect::<Vec<_>>()
            );
        }
        for warning in &report.warnings {
            eprintln!("    ! {} {}", warning.code, warning.detail);
        }
    }

    pub(crate) async fn run(&self) -> RunReport {
        self.try_run().await.unwrap()
    }

    pub(crate) fn put(&self, name: &str, series: &Series) {
        self.person_puts(name, series);
    }

    pub(crate) fn person_puts(&self, name: &str, series: &Series) {
        tell(&format!("CalDAV puts {name} {}", brief_series(series)));
        let mut ledger = self.ledger.lock().unwrap();
        ledger.edits += 1;
        // Whoever rewrites an event takes no deletion of its copy back.
        let is_new = self.dav.look(name).is_none();
        if is_new && !name.starts_with("cds1") {
            ledger.caldav.insert(name.to_owned());
        }
        drop(ledger);
        self.dav.put(name, series.clone());
    }

    pub(crate) fn person_removes(&self, name: &str) {
        tell(&format!("CalDAV deletes {name}"));
        let mut ledger = self.ledger.lock().unwrap();
        ledger.edits += 1;
        ledger.caldav.remove(name);
        let rows = self.store.rows_of(&self.mapping.id);
        for row in &rows {
            let (Some(caldav), Some(google)) = (&row.links.caldav, &row.links.google) else {
                continue;
            };
            if caldav.resources.iter().any(|(_, id)| id.as_str() == name) {
                for key in &google.keys {
                    ledger.google.remove(key.as_str());
                }
            }
        }
        let pair = self.mapping.pair();
        let made_of = |id: &String| {
            let uid = self.google_uid(id);
            (0..6).any(|n| OriginTag::new(&pair, &uid, None, n).caldav_name() == name)
        };
        ledger.google.retain(|id| !made_of(id));
        drop(ledger);
        self.dav.delete(name);
    }

    pub(crate) fn person_moves(&self, name: &str, to: &str) {
        tell(&format!("CalDAV moves {name} to {to}"));
        let (Some(series), Some(uid)) = (self.dav.all().remove(name), self.dav.uid(name)) else {
            return;
        };
        let mut ledger = self.ledger.lock().unwrap();
        ledger.edits += 1;
        if ledger.caldav.remove(name) {
            ledger.caldav.insert(to.to_owned());
        }
        drop(ledger);
        self.dav.delete(name);
        self.dav.put_as(to, &uid, series);
    }

    fn google_uid(&self, id: &str) -> Uid {
        let all = self.world.sim.dump(DEFAULT_ACCOUNT).unwrap();
        let event = all.iter().find(|event| event["id"] == id);
        let uid = event.and_then(|event| event["iCalUID"].as_str());
        Uid::new(uid.map_or_else(|| format!("{id}@google.com"), str::to_owned))
    }

    /// A person took this out of Google's bin. If its copy was deleted meanwhile, the policy decides.
    pub(crate) fn google_restored(&self, id: &str) {
        let uid = self.google_uid(id);
        let pair = self.mapping.pair();
        let names = (0..6).map(|n| OriginTag::new(&pair, &uid, None, n).caldav_name());
        let rows = self.store.rows_of(&self.mapping.id);
        let linked = rows.iter().any(|row| {
            let google = row.links.google.as_ref();
            row.links.caldav.is_some()
                && google.is_some_and(|link| link.keys.iter().any(|key| key.as_str() == id))
        });
        if linked && !names.into_iter().any(|name| self.dav.look(&name).is_some()) {
            self.ledger.lock().unwrap().edits += 1;
            return;
        }
        self.google_made(id);
    }

    /// A person made this at Google.
    pub(crate) fn google_made(&self, id: &str) {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.edits += 1;
        ledger.google.insert(id.to_owned());
    }

    /// A person is about to delete this at Google.
    pub(crate) fn google_deleted(&self, id: &str) {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.edits += 1;
        ledger.google.remove(id);
        for row in self.store.rows_of(&self.mapping.id) {
            let (Some(caldav), Some(google)) = (&row.links.caldav, &row.links.google) else {
                continue;
            };
            // One of several single events is an occurrence, and the series stays.
            let repeats = caldav.echo.master.as_ref();
            let repeats = repeats.is_some_and(|master| master.recurrence.is_some());
            if !(google.expanded && repeats) && google.keys.iter().any(|key| key.as_str() == id) {
                for (_, name) in &caldav.resources {
                    ledger.caldav.remove(name.as_str());
                }
            }
        }
        let pair = self.mapping.pair();
        ledger.caldav.retain(|name| {
            let uid = self.dav.uid(name).unwrap_or_default();
            let tag = |n| OriginTag::new(&pair, &Uid::new(uid.clone()), None, n);
            !(0..6).any(|n| tag(n).google_id().as_str() == id)
        });
    }

    pub(crate) fn google_events(&self) -> Vec<Value> {
        self.world.sim.dump(DEFAULT_ACCOUNT).unwrap()
    }

    pub(crate) fn towards_google(&self) -> bool {
        self.mapping.direction == Direction::CaldavToGoogle
    }

    pub(crate) fn towards_caldav(&self) -> bool {
        self.mapping.direction == Direction::GoogleToCaldav
    }
}

/// Says what happens, where somebody wants to know.
pub(crate) fn tell(what: &str) {
    if std::env::var("TELL").is_ok() {
        eprintln!("{what}");
    }
}

fn brief_fields(fields: &Fields) -> String {
    let rules: Vec<String> = fields
        .recurrence
        .iter()
        .flat_map(|recurrence| &recurrence.rules)
        .map(ToString::to_string)
        .collect();
    let when = match &fields.when {
        sync_engine::model::When::AllDay { start, end } => format!("{start}..{end}"),
        sync_engine::model::When::Timed { start, end } => {
            format!("{}..{} {:?}", start.wall, end.wall, start.zone)
        }
    };
    format!(
        "{:?} {when} {} {:?} {:?} {:?} {:?}",
        fields.title,
        rules.join("+"),
        fields.status,
        fields.transparency,
        fields.description,
        fields.location,
    )
}

pub(crate) fn brief_series(series: &Series) -> String {
    let mut out = series.master.as_ref().map(brief_fields).unwrap_or_default();
    for (id, value) in &series.overrides {
        let value = match value {
            OverrideValue::Cancelled => "cancelled".to_owned(),
            OverrideValue::Fields(fields) => brief_fields(fields),
        };
        let _ = write!(out, "\n        {id}: {value}");
    }
    out
}

pub(crate) fn brief(event: &Value) -> String {
    let part = |name: &str| match &event[name] {
        Value::Null => String::new(),
        value => format!(" {name}={value}"),
    };
    [
        "id",
        "status",
        "summary",
        "description",
        "location",
        "transparency",
        "start",
        "end",
        "recurrence",
        "originalStartTime",
        "extendedProperties",
        "iCalUID",
    ]
    .into_iter()
    .map(part)
    .collect()
}

/// An override made of `fields`.
pub(crate) fn own(fields: Fields) -> OverrideValue {
    OverrideValue::Fields(Box::new(Fields {
        recurrence: None,
        ..fields
    }))
}
