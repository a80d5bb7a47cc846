//! What the engine needs remembered, as coarse units of work: each method is one transaction.
//!
//! The order of calls is what makes a run crash-safe, so each method says what must be durable when
//! it returns. Accounts, settings and secrets are no business of the engine and not here.

use std::collections::BTreeMap;
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::conflict::{Conflict, Decision};
use crate::guard::Held;
use crate::mirror::{CalendarState, Mirrored, Reading};
use crate::model::time::Timestamp;
use crate::model::{
    AccountId, Both, CalendarId, ConflictId, Etag, Family, IntentId, MappingId, PlanId, ResourceId,
    RunId, Series, SeriesKey, Side, SideTag, Uid,
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

/// A row of any mapping that shares a calendar, found by its UID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    /// The mapping it belongs to.
    pub mapping: MappingId,
    /// The row.
    pub row: Row,
    /// Whether that mapping runs: it is not switched off, and waits for nobody after a restore.
    pub runs: bool,
    /// Whether its direction leads to the calendar it was found by.
    pub writes: bool,
}

/// One write that was carried out, with all that it takes to undo it. The store seals it: what it
/// holds of a side that a privacy rule protects serves restoring only (P9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    /// The row as it was before the write.
    pub row: Row,
    /// The write; it carries what the target showed before.
    pub step: Step,
    /// What the target showed of the written components afterwards: what shows something else by
    /// now was changed since. `None` in what older versions stored: there what was sent stands for
    /// it.
    #[serde(default)]
    pub left: Option<Box<Series>>,
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
    /// Conflicts, decided or open: each is put in place of any of its id. One that was open and is
    /// decided now is spent: its [`Decision`] is forgotten.
    pub conflicts: Vec<Conflict>,
    /// Open conflicts that are none any more: a side changed again, or both now agree. Those still
    /// open become decided, without a winner.
    pub over: Vec<ConflictId>,
    /// The mapping hides texts: those of what is over go off the record ([`Conflict::veil`]). They
    /// may have been recorded before it did, and the rule itself may be what ended the conflict.
    pub veils: bool,
    /// What a person needs to take this write back.
    pub undo: Option<Undoable>,
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

    /// Resources that complete listings left out after this moment, each with the reading's time,
    /// and whose series is still gone. What a side itself said to be deleted is not among them, nor
    /// what was removed from here.
    fn absent<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        after: Timestamp,
    ) -> impl Future<Output = Result<Vec<(ResourceId<S>, Timestamp)>, Self::Error>> + Send;

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

    /// Rows with these UIDs of every mapping (this one's too) whose calendar on side `S` is this
    /// one, whichever account reads it: events are the calendar's, not the reader's. Oldest mapping
    /// first.
    fn namesakes<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> impl Future<Output = Result<Vec<Namesake>, Self::Error>> + Send;

    /// Answers that people gave to this mapping's open conflicts and no run has carried out yet.
    fn decisions(
        &self,
        mapping: &MappingId,
    ) -> impl Future<Output = Result<Vec<Decision>, Self::Error>> + Send;

    /// What a run wrote, newest first.
    fn written_in(
        &self,
        mapping: &MappingId,
        run: &RunId,
    ) -> impl Future<Output = Result<Vec<Undoable>, Self::Error>> + Send;

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

    /// The plan made from a change set is dealt with: its marks hold from now on. The state is
    /// stored as [`MappingState::over`] joins it with the stored one: a person may have answered
    /// while the run was under way.
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
    /// When a person last looked at what was missing, and let it go: what readings had missed by
    /// then counts no more.
    #[serde(default)]
    pub looked_at: Option<Timestamp>,
    /// Since when the CalDAV calendar answers empty though it was not.
    pub caldav_empty_since: Option<Timestamp>,
    /// Likewise the Google calendar.
    pub google_empty_since: Option<Timestamp>,
    /// What the guard holds back.
    #[serde(default)]
    pub held: Vec<Held>,
    /// The parts of held plans that a person approved; each is spent when it is carried out.
    #[serde(default)]
    pub approved: Vec<PlanId>,
    /// Series that a person wants put back on the side they vanished from.
    #[serde(default)]
    pub restoring: Vec<RowKey>,
    /// Sides that this mapping's plans have been writing; another one, after a change of direction,
    /// is asked about first.
    #[serde(default)]
    pub sides: Vec<Side>,
    /// Copies without a source, on either side: looked at again in every plan.
    #[serde(default)]
    pub orphans: Both<Orphans>,
}

/// The family of copies without a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orphans;

impl Family for Orphans {
    type Of<S: SideTag> = Vec<SeriesKey<S>>;
}

impl MappingState {
    /// Approves what is held under this id, exactly as it is. Says whether it is held.
    pub fn approve(&mut self, id: &PlanId) -> bool {
        let Some(held) = self.held.iter().find(|held| held.id == *id) else {
            return false;
        };
        self.approved.extend(held.parts.iter().cloned());
        true
    }

    /// Has what is held under this id put back on the side it vanished from. Says whether it is
    /// held.
    pub fn restore(&mut self, id: &PlanId) -> bool {
        let Some(held) = self.held.iter().find(|held| held.id == *id) else {
            return false;
        };
        self.restoring.extend(held.rows.iter().cloned());
        true
    }

    /// The state to store after a plan was dealt with, `stored` being the one in the store: answers
    /// to what is still held are kept, whenever they came; the others are spent.
    #[must_use]
    pub fn over(mut self, stored: &Self) -> Self {
        self.approved.clone_from(&stored.approved);
        self.restoring.clone_from(&stored.restoring);
        let held = &self.held;
        self.approved
            .retain(|part| held.iter().any(|held| held.parts.contains(part)));
        self.restoring
            .retain(|row| held.iter().any(|held| held.rows.contains(row)));
        self
    }
}
