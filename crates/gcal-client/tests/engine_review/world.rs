//! A CalDAV calendar in memory, mapped to the simulated Google, and what both show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gcal_client::Pace;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use simulators::google::{DEFAULT_ACCOUNT, GoogleSimConfig};
use sync_engine::mapping::{DeletionLimit, Mapping};
use sync_engine::memory::{MemoryCalendar, MemoryError, MemoryStore};
use sync_engine::model::{
    AccountId, Caldav, CalendarId, Fields, MappingId, OverrideValue, RunId, Series, Status, When,
    ZoneName,
};
use sync_engine::ports::Clock;
use sync_engine::ports::store::CalendarKey;
use sync_engine::projection::Privacy;
use sync_engine::recurrence::{Limits, series_occurrences};
use sync_engine::report::RunReport;
use sync_engine::run::Run;

use super::harness::{SimTime, World};

impl Clock for SimTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Both calendars and what joins them.
pub(crate) struct Both {
    pub(crate) world: World,
    pub(crate) caldav: MemoryCalendar<Caldav>,
    pub(crate) store: MemoryStore,
    pub(crate) mapping: Mapping,
    runs: AtomicU32,
}

/// Start, end and title of what is shown, and how often.
pub(crate) type Shown = BTreeMap<(String, String, String), usize>;

impl Both {
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
        Self {
            world: World::with(config, Pace::unlimited()),
            caldav: MemoryCalendar::new(),
            store: MemoryStore::new(),
            mapping,
            runs: AtomicU32::new(0),
        }
    }

    pub(crate) async fn try_run(&self) -> Result<RunReport, MemoryError> {
        self.world.sim.advance(SignedDuration::from_mins(11));
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let google = self.world.calendar();
        let clock = SimTime(self.world.sim.clone());
        let stop = AtomicBool::new(false);
        let run = Run {
            mapping: &self.mapping,
            id: RunId::new(format!("r{number}")),
            caldav: &self.caldav,
            google: &google,
            store: &self.store,
            clock: &clock,
            stop: &stop,
            round: None,
        };
        run.run().await
    }

    pub(crate) async fn run(&self) -> RunReport {
        self.try_run().await.unwrap()
    }

    pub(crate) fn put(&self, name: &str, series: &Series) {
        self.caldav.put(name, &format!("{name}@x"), series.clone());
    }

    fn window(&self) -> (Timestamp, Timestamp) {
        // From noon to noon: what a whole day is at its edges, each side sees its own way.
        let today = self.world.sim.now().to_zoned(TimeZone::UTC).date();
        let noon = |date: Date| TimeZone::UTC.to_timestamp(date.at(12, 0, 0, 0)).unwrap();
        (noon(today + 1.day()), noon(today + 27.days()))
    }

    /// What the source gives, as far as the mapping lets it through.
    pub(crate) fn wanted(&self) -> Shown {
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let mut out = Shown::new();
        for series in self.caldav.all().values() {
            if series
                .master
                .as_ref()
                .is_some_and(|master| master.status == Status::Cancelled)
            {
                continue;
            }
            let shown = series_occurrences(series, &berlin, self.window(), &Limits::default());
            let takes_place = |fields: &Fields| fields.status != Status::Cancelled;
            for item in shown.items.iter().filter(|item| takes_place(item.fields)) {
                let (start, end) = match &item.when {
                    When::AllDay { start, end } => (start.to_string(), end.to_string()),
                    timed @ When::Timed { .. } => {
                        let (start, end) = timed.instants(&berlin);
                        (start.to_string(), end.to_string())
                    }
                };
                let title = match self.mapping.privacy {
                    Privacy::Busy => "Busy".to_owned(),
                    _ => item.fields.title.as_str().to_owned(),
                };
                *out.entry((start, end, title)).or_default() += 1;
            }
        }
        out
    }

    /// What Google shows, by its own expansion.
    pub(crate) fn shown(&self) -> Shown {
        let (from, to) = self.window();
        let (from, to) = (from.to_string(), to.to_string());
        let query = [
            ("singleEvents", "true"),
            ("maxResults", "2500"),
            ("timeMin", &*from),
            ("timeMax", &*to),
        ];
        let list = self
            .world
            .sim
            .as_user(DEFAULT_ACCOUNT)
            .list(DEFAULT_ACCOUNT, &query)
            .unwrap();
        let mut out = Shown::new();
        for item in list["items"].as_array().unwrap() {
            let edge = |name: &str| match item[name]["dateTime"].as_str() {
                Some(time) => time.parse::<Timestamp>().unwrap().to_string(),
                None => item[name]["date"].as_str().unwrap().to_owned(),
            };
            let title = item["summary"].as_str().unwrap_or_default().to_owned();
            *out.entry((edge("start"), edge("end"), title)).or_default() += 1;
        }
        out
    }

    /// The edits are over: runs until nothing is left to do, then both show the same, and one more
    /// run writes nothing.
    pub(crate) async fn settles(&self, context: &str) {
        self.world.sim.clear_faults();
        self.world.sim.advance(SignedDuration::from_hours(25));
        for _ in 0..6 {
            self.run().await;
        }
        let (shown, wanted) = (self.shown(), self.wanted());
        if shown != wanted {
            let extra: Vec<_> = shown
                .iter()
                .filter(|(key, n)| wanted.get(*key) != Some(n))
                .collect();
            let missing: Vec<_> = wanted
                .iter()
                .filter(|(key, n)| shown.get(*key) != Some(n))
                .collect();
            let rows = self.store.rows_of(&self.mapping.id);
            let dump: Vec<String> = self
                .world
                .sim
                .dump(DEFAULT_ACCOUNT)
                .unwrap()
                .iter()
                .map(brief)
                .collect();
            panic!(
                "{context}\nGoogle shows {extra:#?}\nthe source gives {missing:#?}\nsource {:#?}\n\
                 Google\n{}\nrows {rows:#?}",
                self.caldav.all(),
                dump.join("\n"),
            );
        }
        self.world.sim.clear_log();
        let quiet = self.run().await;
        let log = self.world.sim.log();
        let asked: Vec<_> = log
            .iter()
            .filter(|entry| entry.method != "token")
            .map(|entry| entry.method.as_str())
            .collect();
        assert_eq!(
            asked,
            ["events.list"],
            "{context}: a quiet run asks once: {:#?}\n{:#?}",
            quiet.events,
            self.caldav.all(),
        );
        self.world.is_clean();
    }
}

fn brief(event: &serde_json::Value) -> String {
    let part = |name: &str| match &event[name] {
        serde_json::Value::Null => String::new(),
        value => format!(" {name}={value}"),
    };
    [
        "id",
        "status",
        "summary",
        "start",
        "end",
        "recurrence",
        "originalStartTime",
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
