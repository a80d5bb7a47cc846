//! What the engine needs remembered, as coarse units of work: each method is one transaction.
//!
//! The order of calls is what makes a run crash-safe, so each method says what must be durable when
//! it returns. Accounts, settings and secrets are no business of the engine and not here.

use std::collections::BTreeMap;
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::mirror::{CalendarState, Mirrored, Reading};
use crate::model::time::Timestamp;
use crate::model::{
    AccountId, CalendarId, Etag, IntentId, MappingId, ResourceId, RunId, SeriesKey, SideTag, Uid,
};
use crate::plan::operation::Step;
use crate::report::{EventRecord, RunReport};
use crate::row::{Row, RowKey};

/// A calendar as one account sees it: what the mirror and the cursor belong to. Mappings that share
/// a calendar share these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct CalendarKey<S: SideTag> {
    /// The account that reads it.
    pub account: AccountId,
    /// The calendar.
    pub calendar: CalendarId<S>,
}

/// Resources and the versions the mirror holds of them.
pub type Versions<S> = BTreeMap<ResourceId<S>, Option<Etag<S>>>;

/// Another mapping's link to a series of a shared calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<S: SideTag> {
    /// The series.
    pub series: SeriesKey<S>,
    /// The mapping that linked it.
    pub mapping: MappingId,
    /// Its row.
    pub row: Row,
}

/// What was written down before a remote write, so that a crash leaves a question that reading the
/// target answers, never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its name.
    pub id: IntentId,
    /// The run that meant to write.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// The row as it was before the write.
    pub row: Row,
    /// The write, with all that is sent.
    pub step: Step,
}

/// How far a mapping's plans have seen each calendar's changes, as change numbers of the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// Of the CalDAV calendar.
    pub caldav: u64,
    /// Of the Google calendar.
    pub google: u64,
}

/// What a plan has to look at.
#[derive(Debug, Clone, Default)]
pub struct ChangeSet {
    /// Series whose resources changed since the mapping's marks.
    pub caldav: Vec<SeriesKey<crate::model::Caldav>>,
    /// Likewise at Google.
    pub google: Vec<SeriesKey<crate::model::Google>>,
    /// Rows that are due.
    pub due: Vec<RowKey>,
    /// The marks that hold once all of this is planned.
    pub upto: Marks,
}

/// What one write, or one decision without a write, changes in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Put this row in place of any of its name.
    Put(Box<Row>),
    /// Forget it.
    Drop(RowKey),
}

/// The outcome of an intent, or of a decision without a write: stored in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// The intent this settles; it is removed.
    pub intent: Option<IntentId>,
    /// Rows.
    pub rows: Vec<RowChange>,
    /// What the write's answer showed of the CalDAV calendar.
    pub caldav: Option<(
        CalendarKey<crate::model::Caldav>,
        Reading<crate::model::Caldav>,
    )>,
    /// What the write's answer showed of the Google calendar.
    pub google: Option<(
        CalendarKey<crate::model::Google>,
        Reading<crate::model::Google>,
    )>,
    /// For the run's record and the event history.
    pub events: Vec<EventRecord>,
}

/// What the engine remembers.
pub trait Store: Send + Sync {
    /// What may go wrong. Every error of the store ends the run: nothing is written that could not
    /// be written down first.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Cursor and dates of a calendar; the default when it was never read.
    fn calendar<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
    ) -> impl Future<Output = Result<CalendarState<S>, Self::Error>> + Send;

    /// Versions of resources the mirror holds as there (present, unreadable or foreign): of those
    /// named, or of all.
    fn versions<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        only: Option<&[ResourceId<S>]>,
    ) -> impl Future<Output = Result<Versions<S>, Self::Error>> + Send;

    /// Takes a reading into the mirror: every entry whose state differs from the stored one gets
    /// the calendar's next change number. The cursor and dates in it become durable in the same
    /// transaction, or after all entries.
    fn record<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        reading: Reading<S>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// All mirrored resources of these series.
    fn mirrored<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        series: &[SeriesKey<S>],
    ) -> impl Future<Output = Result<Vec<Mirrored<S>>, Self::Error>> + Send;

    /// Present series that carry one of these UIDs.
    fn series_by_uid<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> impl Future<Output = Result<Vec<(Uid, SeriesKey<S>)>, Self::Error>> + Send;

    /// Series, present or gone, whose origin tag names one of these UID hashes.
    fn series_by_origin<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uid_hashes: &[String],
    ) -> impl Future<Output = Result<Vec<(String, SeriesKey<S>)>, Self::Error>> + Send;

    /// What this mapping's plan has to look at; all that is mirrored and all rows if `everything`.
    fn changes(
        &self,
        mapping: &MappingId,
        caldav: &CalendarKey<crate::model::Caldav>,
        google: &CalendarKey<crate::model::Google>,
        now: Timestamp,
        everything: bool,
    ) -> impl Future<Output = Result<ChangeSet, Self::Error>> + Send;

    /// Rows by name, and rows that link one of these series.
    fn rows(
        &self,
        mapping: &MappingId,
        keys: &[RowKey],
        caldav: &[SeriesKey<crate::model::Caldav>],
        google: &[SeriesKey<crate::model::Google>],
    ) -> impl Future<Output = Result<Vec<Row>, Self::Error>> + Send;

    /// How many rows of the mapping are tracked.
    fn tracked(&self, mapping: &MappingId)
    -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Which of these series other mappings have linked: a claim says whose copy (or source) an
    /// event of a shared calendar is.
    fn claims<S: SideTag>(
        &self,
        mapping: &MappingId,
        calendar: &CalendarKey<S>,
        series: &[SeriesKey<S>],
    ) -> impl Future<Output = Result<Vec<Claim<S>>, Self::Error>> + Send;

    /// Open intents of the mapping, oldest first.
    fn open_intents(
        &self,
        mapping: &MappingId,
    ) -> impl Future<Output = Result<Vec<Intent>, Self::Error>> + Send;

    /// Writes an intent down. Durable (fsync) when it returns.
    fn intend(
        &self,
        mapping: &MappingId,
        intent: &Intent,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Stores an outcome; durable when it returns.
    fn settle(
        &self,
        mapping: &MappingId,
        run: &RunId,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The plan made from a change set is dealt with: its marks hold from now on.
    fn planned(
        &self,
        mapping: &MappingId,
        upto: Marks,
        state: MappingState,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What earlier runs left for this mapping.
    fn mapping_state(
        &self,
        mapping: &MappingId,
    ) -> impl Future<Output = Result<MappingState, Self::Error>> + Send;

    /// A run has ended: its report, and its webhook body in the outbox, in one transaction.
    fn finish(
        &self,
        mapping: &MappingId,
        report: &RunReport,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What a mapping's plans remember between runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappingState {
    /// Whether a plan over everything has been dealt with once: before that, equal events may be
    /// adopted by content.
    pub first_plan_done: bool,
    /// Fingerprint of the settings that the last plan was made with; another one means that
    /// everything is planned anew.
    pub planned_with: String,
    /// Inferred absences of the last 24 hours: when, and how many.
    pub absences: Vec<(Timestamp, u32)>,
    /// Since when the CalDAV calendar answers empty though it was not.
    pub caldav_empty_since: Option<Timestamp>,
    /// Likewise the Google calendar.
    pub google_empty_since: Option<Timestamp>,
    /// What the guard holds back.
    pub held: Option<crate::guard::Held>,
    /// The plan a person approved, by its id; spent when it is carried out.
    pub approved: Option<crate::model::PlanId>,
}
