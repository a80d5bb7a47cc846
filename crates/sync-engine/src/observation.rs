//! What a side shows: one [`Observation`] per stored resource, as the clients read it and the mirror
//! keeps it. Values only; how several resources make one series is `snapshot`.

use serde::{Deserialize, Serialize};

use crate::identity::OriginTag;
use crate::model::time::Timestamp;
use crate::model::{
    ComponentKey, Etag, OverrideValue, ResourceId, Series, SeriesKey, SideTag, Uid,
};
use crate::recurrence::OriginalStart;

/// One resource as its side showed it: a CalDAV object, a Google event or exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Observation<S: SideTag> {
    /// Its name on its side.
    pub resource: ResourceId<S>,
    /// Groups it with the other resources of its series.
    pub series: SeriesKey<S>,
    /// UID or iCalUID.
    pub uid: Uid,
    /// Its version; `None` where the side gives none.
    pub etag: Option<Etag<S>>,
    /// LAST-MODIFIED (else `DAV:getlastmodified`) or `updated`.
    pub modified: Option<Timestamp>,
    /// `DAV:getlastmodified`, beside LAST-MODIFIED: not every program that changes an object says so
    /// in it.
    #[serde(default)]
    pub written: Option<Timestamp>,
    /// LAST-MODIFIED of each component that has one of its own (CalDAV).
    #[serde(default)]
    pub stamps: Vec<(ComponentKey, Timestamp)>,
    /// What it says.
    pub content: Content,
    /// The origin tag found in it. It proves nothing by itself: see [`OriginTag::proves`].
    pub tag: Option<OriginTag>,
    /// What may be done with it.
    pub access: Access,
    /// Whether it has guests besides the calendar's owner.
    pub has_guests: bool,
    /// Whatever the side wants to be handed back when this resource is written: opaque here.
    pub note: Option<String>,
    /// What was understood only in part, for people to read.
    pub remarks: Vec<Remark>,
}

/// What one resource says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A master or single event, with whatever overrides and EXDATEs the resource itself carries.
    Series(Box<Series>),
    /// One exception that is a resource of its own (Google), not yet brought into its master's
    /// zone.
    Exception {
        /// Which occurrence.
        original: OriginalStart,
        /// What stands there.
        value: OverrideValue,
    },
}

/// What may be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read and written.
    #[default]
    Full,
    /// Writing it makes the server mail its guests: a source only, unless a person chose otherwise.
    MailsGuests,
    /// A source only: owned by others, locked, a focus time or the like.
    ReadOnly,
    /// Left out altogether: birthdays, working locations.
    Ignored,
}

/// Something a person may want to know about one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Stable code, snake case.
    pub code: String,
    /// One plain sentence.
    pub detail: String,
}

/// How one resource came out of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<S: SideTag> {
    /// Read and understood.
    Present(Box<Observation<S>>),
    /// It is there, but cannot be fetched, parsed, or is over a limit. Never an absence.
    Unreadable {
        /// Its name.
        resource: ResourceId<S>,
        /// Its version, where known.
        etag: Option<Etag<S>>,
        /// Why, for people.
        reason: String,
    },
    /// It is there and is no event (a task, the collection itself): nothing to do with it.
    Foreign {
        /// Its name.
        resource: ResourceId<S>,
        /// Its version, where known.
        etag: Option<Etag<S>>,
    },
    /// Proven absent: a tombstone in a delta, or 404/410 (Google: cancelled) when asked for by
    /// itself.
    Gone {
        /// Its name.
        resource: ResourceId<S>,
    },
}

impl<S: SideTag> Seen<S> {
    /// The resource's name.
    pub fn resource(&self) -> &ResourceId<S> {
        match self {
            Self::Present(observation) => &observation.resource,
            Self::Unreadable { resource, .. }
            | Self::Foreign { resource, .. }
            | Self::Gone { resource } => resource,
        }
    }

    /// The version, where there is one.
    pub fn etag(&self) -> Option<&Etag<S>> {
        match self {
            Self::Present(observation) => observation.etag.as_ref(),
            Self::Unreadable { etag, .. } | Self::Foreign { etag, .. } => etag.as_ref(),
            Self::Gone { .. } => None,
        }
    }
}
