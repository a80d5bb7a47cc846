//! What the tests share: a fresh database in a temporary folder, events to put into it, times.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::SecretString;
use store::records::{
    CalendarFacts, ConflictStatus, GoogleTokens, MappingSettings, NewCaldavAccount, NewMapping,
};
use store::{Db, Keys, StoreError};
use sync_engine::conflict::{Conflict, Decision};
use sync_engine::identity::OriginTag;
use sync_engine::memory::MemoryStore;
use sync_engine::model::time::{Date, Timestamp, When};
use sync_engine::model::{
    AccountId, Caldav, CalendarId, Etag, Fields, Google, MappingId, PlanId, ResourceId, Series,
    SeriesKey, Side, SideTag, Uid,
};
use sync_engine::observation::{Access, Content, Observation, Seen};
use sync_engine::ports::store::{CalendarKey, Store};

/// A mapping and its calendars.
pub(crate) struct Joined {
    pub(crate) id: MappingId,
    pub(crate) caldav: CalendarKey<Caldav>,
    pub(crate) google: CalendarKey<Google>,
}

/// A store to be tried, and a way to register mappings in it.
pub(crate) trait Bench {
    type Store: Store;
    fn store(&self) -> &Self::Store;
    /// Joins two calendars, named as on their sides.
    fn join(&self, caldav: &str, google: &str) -> impl Future<Output = Joined>;
    /// As a killed process would leave it.
    fn crashed(&self) -> Self;
    /// A person answers an open conflict.
    fn decide(&self, mapping: &MappingId, decision: Decision) -> impl Future<Output = ()>;
    /// Conflicts that wait for a person, oldest first.
    fn open_conflicts(&self, mapping: &MappingId) -> impl Future<Output = Vec<Conflict>>;
    /// All conflicts on record.
    fn conflicts(&self, mapping: &MappingId) -> impl Future<Output = Vec<Conflict>>;
    /// A person approves what is held. Says whether it is held.
    fn approve(&self, mapping: &MappingId, plan: &PlanId) -> impl Future<Output = bool>;
    /// A person wants what is held put back. Says whether it is held.
    fn restore(&self, mapping: &MappingId, plan: &PlanId) -> impl Future<Output = bool>;
}

/// This crate's store on a temporary file.
pub(crate) struct Sqlite {
    pub(crate) db: Db,
    pub(crate) folder: tempfile::TempDir,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("caldav_sync.db"), keys()).unwrap();
        Self { db, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("caldav_sync.db")
    }

    /// The file as a killed process would leave it: copied with its write-ahead log, never closed.
    pub(crate) fn killed(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["caldav_sync.db", "caldav_sync.db-wal"] {
            let from = self.folder.path().join(name);
            if from.exists() {
                std::fs::copy(from, folder.path().join(name)).unwrap();
            }
        }
        let db = Db::open(&folder.path().join("caldav_sync.db"), keys()).unwrap();
        Self { db, folder }
    }
}

impl Bench for Sqlite {
    type Store = Db;

    fn store(&self) -> &Db {
        &self.db
    }

    async fn join(&self, caldav: &str, google: &str) -> Joined {
        let accounts = self.db.caldav_accounts().await.unwrap();
        let caldav_account = match accounts.first() {
            Some(account) => account.id.clone(),
            None => add_caldav(&self.db, "alice", &[]).await,
        };
        let google_account = add_google(&self.db, "alice@example.com").await;
        let from = calendar(&self.db, &caldav_account, Side::Caldav, caldav).await;
        let to = calendar(&self.db, &google_account, Side::Google, google).await;
        let made = self.db.mappings().await.unwrap().len();
        let mapping = self
            .db
            .add_mapping(
                NewMapping {
                    caldav_calendar_id: from,
                    google_calendar_id: to,
                    settings: MappingSettings::default(),
                    managed: false,
                },
                at(i64::try_from(made).unwrap()),
            )
            .await
            .unwrap();
        Joined {
            caldav: CalendarKey {
                account: caldav_account,
                calendar: CalendarId::new(caldav),
            },
            google: CalendarKey {
                account: google_account,
                calendar: CalendarId::new(google),
            },
            id: mapping.id,
        }
    }

    fn crashed(&self) -> Self {
        self.killed()
    }

    async fn decide(&self, mapping: &MappingId, decision: Decision) {
        let Decision { conflict, keep, .. } = decision;
        let decided = self.db.decide_conflict(&conflict, keep).await.unwrap();
        assert_eq!(&decided.mapping, mapping);
    }

    async fn open_conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        let open = Some(ConflictStatus::Open);
        let page = self.db.conflicts(Some(mapping), open, 100, None).await;
        let records = page.unwrap().conflicts.into_iter().rev();
        records.map(|record| record.conflict).collect()
    }

    async fn conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        let page = self.db.conflicts(Some(mapping), None, 100, None).await;
        let records = page.unwrap().conflicts.into_iter().rev();
        records.map(|record| record.conflict).collect()
    }

    async fn approve(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        was_held(self.db.approve(mapping, plan).await)
    }

    async fn restore(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        was_held(self.db.restore_held(mapping, plan).await)
    }
}

fn was_held(answer: Result<(), StoreError>) -> bool {
    match answer {
        Ok(()) => true,
        Err(StoreError::NotFound { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// The engine's store in memory: what it is asked for must mean the same.
#[derive(Default)]
pub(crate) struct Memory {
    store: MemoryStore,
    mappings: AtomicU32,
}

impl Bench for Memory {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn join(&self, caldav: &str, google: &str) -> Joined {
        let number = self.mappings.fetch_add(1, Ordering::Relaxed);
        Joined {
            id: MappingId::new(format!("map_{number}")),
            caldav: CalendarKey {
                account: AccountId::new("alice"),
                calendar: CalendarId::new(caldav),
            },
            google: CalendarKey {
                account: AccountId::new("alice@example.com"),
                calendar: CalendarId::new(google),
            },
        }
    }

    fn crashed(&self) -> Self {
        Self {
            store: self.store.clone(),
            mappings: AtomicU32::new(self.mappings.load(Ordering::Relaxed)),
        }
    }

    async fn decide(&self, mapping: &MappingId, decision: Decision) {
        self.store.decide(mapping, decision);
    }

    async fn open_conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        self.store.open_conflicts(mapping)
    }

    async fn conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        self.store.conflicts(mapping)
    }

    async fn approve(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        self.store.approve(mapping, plan)
    }

    async fn restore(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        self.store.restore(mapping, plan)
    }
}

async fn calendar(db: &Db, account: &AccountId, side: Side, remote: &str) -> String {
    let known = db.calendars(side, Some(account)).await.unwrap();
    let mut all: Vec<CalendarFacts> = known.into_iter().map(|known| known.facts).collect();
    if all.iter().all(|facts| facts.remote != remote) {
        all.push(facts(remote));
    }
    let put = db.put_calendars(account, all).await.unwrap();
    let found = put.into_iter().find(|put| put.facts.remote == remote);
    found.unwrap().id
}

/// An encryption key.
pub(crate) fn keys() -> Keys {
    Keys::new([7; 32])
}

/// So many seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-22T19:00:00Z".parse().unwrap();
    Timestamp::from_second(start.as_second() + seconds).unwrap()
}

pub(crate) fn facts(remote: &str) -> CalendarFacts {
    CalendarFacts {
        remote: remote.to_owned(),
        name: format!("Calendar {remote}"),
        color: Some("#336699".to_owned()),
        writable: true,
        access_role: None,
        time_zone: Some("Europe/Berlin".to_owned()),
        primary: false,
        components: vec!["VEVENT".to_owned()],
    }
}

pub(crate) async fn add_caldav(db: &Db, username: &str, calendars: &[&str]) -> AccountId {
    let new = NewCaldavAccount {
        name: "Home".to_owned(),
        base_url: "https://dav.example/".to_owned(),
        username: username.to_owned(),
        password: SecretString::from("pw-canary-91c4"),
        trusted_fingerprint: None,
        profile: serde_json::json!({"home": "/alice/"}),
        managed: false,
    };
    let calendars = calendars.iter().map(|remote| facts(remote)).collect();
    let (account, _) = db.add_caldav_account(new, calendars, at(0)).await.unwrap();
    account.id
}

pub(crate) async fn add_google(db: &Db, email: &str) -> AccountId {
    let tokens = GoogleTokens {
        refresh: SecretString::from("refresh-canary-5d02"),
        access: Some(SecretString::from("access-canary-77aa")),
        expires_at: Some(at(3600)),
        scopes: vec!["calendar.events".to_owned()],
    };
    let account = db.connect_google_account(email, tokens, at(0)).await;
    account.unwrap().id
}

/// An event's resource as its side shows it.
pub(crate) fn observed<S: SideTag>(
    resource: &str,
    series: &str,
    title: &str,
    etag: &str,
) -> Observation<S> {
    let day = Date::constant(2026, 12, 1);
    Observation {
        resource: ResourceId::new(resource),
        series: SeriesKey::new(series),
        uid: Uid::new(format!("{series}@example.com")),
        etag: Some(Etag::new(etag)),
        modified: Some(at(-60)),
        stamps: Vec::new(),
        written: None,
        content: Content::Series(Box::new(Series::single(Fields::new(
            title,
            When::all_day(day, None),
        )))),
        tag: None,
        access: Access::Full,
        has_guests: false,
        note: None,
        remarks: Vec::new(),
    }
}

pub(crate) fn present<S: SideTag>(
    resource: &str,
    series: &str,
    title: &str,
    etag: &str,
) -> Seen<S> {
    Seen::Present(Box::new(observed(resource, series, title, etag)))
}

pub(crate) fn gone<S: SideTag>(resource: &str) -> Seen<S> {
    Seen::Gone {
        resource: ResourceId::new(resource),
    }
}

pub(crate) fn unreadable<S: SideTag>(resource: &str, etag: &str) -> Seen<S> {
    Seen::Unreadable {
        resource: ResourceId::new(resource),
        etag: Some(Etag::new(etag)),
        reason: "no iCalendar".to_owned(),
    }
}

pub(crate) fn foreign<S: SideTag>(resource: &str, etag: &str) -> Seen<S> {
    Seen::Foreign {
        resource: ResourceId::new(resource),
        etag: Some(Etag::new(etag)),
    }
}

/// The tag of a copy of `uid`.
pub(crate) fn tag(joined: &Joined, uid: &str) -> OriginTag {
    let pair =
        sync_engine::identity::PairKey::new(&joined.caldav.calendar, &joined.google.calendar);
    OriginTag::new(&pair, &Uid::new(uid), None, 0)
}
