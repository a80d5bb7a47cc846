//! Names of things, each its own type: UID, resource, ETag, cursor, calendar, mapping.
//!
//! A name that belongs to one side carries that side as a type parameter. Nothing here knows how a
//! name is made (`identity`) or what it points at.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::side::SideTag;

macro_rules! plain_names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the name as it was given.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.0)
            }
        }
    )*};
}

plain_names! {
    /// The iCalendar UID (RFC 5545 section 3.8.4.7) that all components of a series share; at
    /// Google, the `iCalUID`.
    Uid;
    /// An account's id in the store.
    AccountId;
    /// A mapping's id in the store.
    MappingId;
    /// A run's id in the store.
    RunId;
    /// An intent's id in the store.
    IntentId;
    /// Stands for exactly one plan's content.
    PlanId;
    /// Stands for exactly one pair of conflicting versions.
    ConflictId;
}

macro_rules! sided_names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name<S: SideTag>(String, PhantomData<fn() -> S>);

        impl<S: SideTag> $name<S> {
            /// Takes the name as it was given.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into(), PhantomData)
            }
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<S: SideTag> Clone for $name<S> {
            fn clone(&self) -> Self {
                Self(self.0.clone(), PhantomData)
            }
        }
        impl<S: SideTag> PartialEq for $name<S> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        impl<S: SideTag> Eq for $name<S> {}
        impl<S: SideTag> PartialOrd for $name<S> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl<S: SideTag> Ord for $name<S> {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.cmp(&other.0)
            }
        }
        impl<S: SideTag> std::hash::Hash for $name<S> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }
        impl<S: SideTag> fmt::Display for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<S: SideTag> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}<{}>({:?})", stringify!($name), S::SIDE, self.0)
            }
        }
        impl<S: SideTag> Serialize for $name<S> {
            fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de, S: SideTag> Deserialize<'de> for $name<S> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::new)
            }
        }
    )*};
}

sided_names! {
    /// One stored thing of a side: a CalDAV object's href (absolute path, percent-decoding
    /// normalised by the client), a Google event's id (master, exception, instance or single).
    ResourceId;
    /// What groups the resources of one series on its side: the UID on CalDAV, the id of the
    /// recurring (or single) event at Google.
    SeriesKey;
    /// A resource's version. Opaque; compared for equality only.
    Etag;
    /// Where reading goes on next time: opaque to the engine, written and understood by the side.
    Cursor;
    /// A calendar: the collection's absolute URL on CalDAV, the calendar id at Google.
    CalendarId;
}
