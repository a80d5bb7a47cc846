//! One side of a mapping: reading changes and writing resources, the same for CalDAV and Google.
//!
//! A side paces and retries by itself (Retry-After, backoff) within reason; what it reports as an
//! error is final for this run. It never decides: which version wins, what is deleted and in which
//! order is the planner's.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::identity::OriginTag;
use crate::model::time::Timestamp;
use crate::model::{
    ComponentKey, Cursor, Etag, FieldSet, RecurrenceId, ResourceId, Side, SideTag, Uid, ZoneName,
};
use crate::observation::{Observation, Seen};
use crate::plan::operation::Write;
use crate::projection::Projected;

/// One calendar of one side, opened for one run.
pub trait SidePort: Send + Sync {
    /// Which side.
    type Tag: SideTag;

    /// What this calendar can hold and how it is written.
    fn capabilities(&self) -> Capabilities;

    /// The resource a write is about: the name a creation will get, or the stored one, or the first
    /// guess for an occurrence that has none of its own yet. No I/O. Recovery reads it to learn what
    /// became of a write whose answer was lost.
    fn resource_of(&self, write: &Write<Self::Tag>) -> ResourceId<Self::Tag>;

    /// Lists what changed since `cursor`, or everything (`None`). Pages are followed to the end: a
    /// listing that could not be finished is an error, never a short list. Bodies may come along
    /// (Google) or be left to [`fetch`](Self::fetch) (CalDAV).
    ///
    /// A cursor that the server no longer takes is not an error: the listing is then complete.
    fn list(
        &self,
        cursor: Option<&Cursor<Self::Tag>>,
    ) -> impl Future<Output = Result<Listing<Self::Tag>, SideError>> + Send;

    /// Reads these resources, each by itself as far as the answer for it goes: every id asked for
    /// is answered exactly once. What the server leaves out of a batch is asked for alone; only a
    /// 404/410 to such a question (Google: cancelled) is [`Seen::Gone`].
    fn fetch(
        &self,
        resources: &[ResourceId<Self::Tag>],
    ) -> impl Future<Output = Result<Vec<Seen<Self::Tag>>, SideError>> + Send;

    /// Creates a resource under the name its tag gives. If that name is taken already, the answer
    /// is [`Written::Taken`] and nothing was written.
    fn create(
        &self,
        create: &Create,
    ) -> impl Future<Output = Result<Written<Self::Tag>, SideError>> + Send;

    /// Changes a resource that is there, if its version is still the one given.
    fn update(
        &self,
        update: &Update<Self::Tag>,
    ) -> impl Future<Output = Result<Written<Self::Tag>, SideError>> + Send;

    /// Removes a resource, if its version is still the one given. A resource that is already gone
    /// counts as removed.
    fn remove(
        &self,
        remove: &Remove<Self::Tag>,
    ) -> impl Future<Output = Result<Written<Self::Tag>, SideError>> + Send;
}

/// What a calendar can hold and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether this calendar may be written at all.
    pub writable: bool,
    /// Whether overrides are resources of their own (Google) or part of the series' one (CalDAV).
    pub exceptions_apart: bool,
    /// Which recurrences a series may have.
    pub recurring: Recurring,
    /// Whether times without zone exist there.
    pub floating: bool,
    /// Longest title in characters.
    pub title_limit: Option<usize>,
    /// Longest description in characters.
    pub description_limit: Option<usize>,
    /// Longest location in characters.
    pub location_limit: Option<usize>,
    /// Whether a copy can be marked private (`visibility`).
    pub visibility: bool,
    /// The calendar's own zone, where it has one.
    pub time_zone: Option<ZoneName>,
    /// Most writes under way at once.
    pub concurrency: usize,
}

/// Which recurrences a calendar can hold as a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurring {
    /// Whatever RFC 5545 can say.
    Anything,
    /// One RRULE of DAILY or coarser that gives its own start, RDATEs without PERIOD, no EXRULE, no
    /// RSCALE, no override without master.
    Google,
}

/// What a listing says.
#[derive(Debug, Clone)]
pub struct Listing<S: SideTag> {
    /// Each resource once; order means nothing.
    pub items: Vec<Listed<S>>,
    /// Whether this is all there is (then what is not named may be gone), or only what changed.
    pub complete: bool,
    /// Where to go on next time.
    pub cursor: Option<Cursor<S>>,
    /// The calendar looks suspect: a role that hides details, an empty answer from a calendar that
    /// was not. What is missing is then not gone.
    pub suspect: Option<String>,
}

/// One line of a listing.
#[derive(Debug, Clone)]
pub enum Listed<S: SideTag> {
    /// The resource itself came along.
    Seen(Seen<S>),
    /// It is there in this version; its body must be fetched if the version is new to us.
    Version {
        /// Its name.
        resource: ResourceId<S>,
        /// Its version; `None` means it must always be fetched.
        etag: Option<Etag<S>>,
    },
}

/// A stored resource and the version we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Resource<S: SideTag> {
    /// Its name.
    pub id: ResourceId<S>,
    /// The version a write is conditional on.
    pub etag: Option<Etag<S>>,
    /// What the side wanted to be handed back ([`Observation::note`]).
    pub note: Option<String>,
}

/// Create a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// Gives the id, href and UID.
    pub tag: OriginTag,
    /// The source's UID, for the property that keeps it (CalDAV only, and only where the
    /// projection lets it leave).
    pub source_uid: Option<Uid>,
    /// The series to write. On a side that keeps exceptions apart, only the master and the
    /// cancelled occurrences (as EXDATE) are written here.
    pub series: Projected,
    /// The id is taken by a deleted predecessor that shall live again with this content.
    pub revive: bool,
    /// Whether new copies get the calendar's default reminders.
    pub default_reminders: bool,
}

/// Change a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Update<S: SideTag> {
    /// What to change.
    pub target: Target<S>,
    /// The series as it shall be on this side once all changes of the plan are made: the values of
    /// the changed fields are taken from here.
    pub series: Projected,
    /// What to change in it; for a side that keeps exceptions apart exactly one.
    pub changes: Vec<ComponentChange>,
    /// A new origin tag to put on it (a hand-over between mappings); `None` leaves it alone.
    pub tag: Option<OriginTag>,
}

/// Which resource an update is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Target<S: SideTag> {
    /// One that is stored.
    Stored(Resource<S>),
    /// An occurrence of this recurring resource that has no resource of its own yet.
    Occurrence {
        /// The recurring resource.
        series: Resource<S>,
        /// Which occurrence.
        id: RecurrenceId,
    },
}

/// What happens to one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentChange {
    /// Which component.
    pub key: ComponentKey,
    /// What happens to it.
    pub change: Change,
}

/// What happens to a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// These fields get the values the series gives.
    Set(FieldSet),
    /// The override did not exist on this side: make it, with all its fields.
    Add,
    /// The occurrence is called off.
    Cancel,
    /// The override shall say nothing of its own any more.
    Inherit,
}

/// Remove a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Remove<S: SideTag> {
    /// What to remove.
    pub resource: Resource<S>,
    /// Whether the owner merely attends it (CalDAV: `Schedule-Reply: F`).
    pub attending: bool,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written<S: SideTag> {
    /// Done, and this is what the side now shows of it, proven to be the version the write made.
    Done(Box<Observation<S>>),
    /// Done, but what the side shows now (if anything was read) is not known to be our version: a
    /// person may have edited in between. The echo is what was sent.
    Unproven {
        /// The resource's name.
        resource: ResourceId<S>,
        /// What was read afterwards.
        now: Option<Box<Observation<S>>>,
    },
    /// The resource is gone, as wanted.
    Removed,
    /// The version was another one (412), the resource is missing (404) or its name is taken (409):
    /// nothing was written. `now` is what stands there.
    Stale {
        /// What stands there now; [`Seen::Gone`] if nothing does.
        now: Box<Seen<S>>,
    },
    /// The name for the new resource is taken. `now` is what stands there: ours from a lost answer,
    /// or a deleted predecessor ([`Seen::Gone`]).
    Taken {
        /// What stands there now.
        now: Box<Seen<S>>,
        /// The deleted predecessor cannot be revived: the next generation is needed.
        used_up: bool,
    },
}

/// What went wrong at a side, and what that means for the run.
#[derive(Debug, thiserror::Error)]
#[error("{side}: {detail}")]
pub struct SideError {
    /// Which side.
    pub side: Side,
    /// What it means.
    pub class: ErrorClass,
    /// Stable code, snake case, as shown to users (`caldav_unauthorized`, `google_quota`, …).
    pub code: &'static str,
    /// One plain sentence without secrets.
    pub detail: String,
    /// What a person can do next.
    pub action: String,
    /// What it was underneath.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// How far a failure reaches (the table *Failures* of the semantics).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// This one event is refused; others go on.
    Event,
    /// Sign-in is refused: the account needs a person.
    Credentials,
    /// The calendar is gone or may not be read or written: this mapping stops.
    Calendar,
    /// The network, the server, or pacing: the rest waits for the next run. `not_before` if known.
    Transient {
        /// Earliest next attempt.
        not_before: Option<Timestamp>,
    },
    /// The account's writes are used up for now; reads go on.
    WritesExhausted {
        /// Earliest next attempt.
        not_before: Option<Timestamp>,
    },
    /// Set up wrongly (client id, API not enabled): an operator must act.
    Configuration,
}
