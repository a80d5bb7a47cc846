//! The two sides of a mapping, as types: what belongs to one side cannot be handed to the other.
//!
//! [`Side`] is the value for reports and rows; [`Caldav`] and [`Google`] are the same as type
//! parameters, so that an ETag of one side is no ETag of the other. [`Both`] holds one thing per
//! side, and the planner, written once for `From` and `To`, picks from it by type.

use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// One end of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The CalDAV calendar.
    Caldav,
    /// The Google calendar.
    Google,
}

impl Side {
    /// The opposite end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Caldav => Self::Google,
            Self::Google => Self::Caldav,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caldav => "caldav",
            Self::Google => "google",
        })
    }
}

/// A side as a type.
pub trait SideTag:
    Copy + fmt::Debug + Eq + Ord + Hash + Default + Send + Sync + 'static + sealed::Sealed
{
    /// The side this type stands for.
    const SIDE: Side;
    /// The opposite side.
    type Other: SideTag<Other = Self>;
    /// This side's part of `both`.
    fn pick<F: Family>(both: &Both<F>) -> &F::Of<Self>;
    /// This side's part of `both`, to be changed.
    fn pick_mut<F: Family>(both: &mut Both<F>) -> &mut F::Of<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Caldav {}
    impl Sealed for super::Google {}
}

/// The CalDAV side, as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Caldav;

/// The Google side, as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Google;

impl SideTag for Caldav {
    const SIDE: Side = Side::Caldav;
    type Other = Google;
    fn pick<F: Family>(both: &Both<F>) -> &F::Of<Self> {
        &both.caldav
    }
    fn pick_mut<F: Family>(both: &mut Both<F>) -> &mut F::Of<Self> {
        &mut both.caldav
    }
}

impl SideTag for Google {
    const SIDE: Side = Side::Google;
    type Other = Caldav;
    fn pick<F: Family>(both: &Both<F>) -> &F::Of<Self> {
        &both.google
    }
    fn pick_mut<F: Family>(both: &mut Both<F>) -> &mut F::Of<Self> {
        &mut both.google
    }
}

/// A type that exists once per side, such as a link or a view.
pub trait Family {
    /// The member of the family that belongs to `S`.
    type Of<S: SideTag>;
}

/// One `F` for each side.
pub struct Both<F: Family> {
    /// The CalDAV side's.
    pub caldav: F::Of<Caldav>,
    /// The Google side's.
    pub google: F::Of<Google>,
}

impl<F: Family> Both<F> {
    /// The part of side `S`.
    pub fn get<S: SideTag>(&self) -> &F::Of<S> {
        S::pick(self)
    }

    /// The part of side `S`, to be changed.
    pub fn get_mut<S: SideTag>(&mut self) -> &mut F::Of<S> {
        S::pick_mut(self)
    }
}

impl<F: Family> Clone for Both<F>
where
    F::Of<Caldav>: Clone,
    F::Of<Google>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            caldav: self.caldav.clone(),
            google: self.google.clone(),
        }
    }
}

impl<F: Family> fmt::Debug for Both<F>
where
    F::Of<Caldav>: fmt::Debug,
    F::Of<Google>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Both")
            .field("caldav", &self.caldav)
            .field("google", &self.google)
            .finish()
    }
}

impl<F: Family> PartialEq for Both<F>
where
    F::Of<Caldav>: PartialEq,
    F::Of<Google>: PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        self.caldav == other.caldav && self.google == other.google
    }
}

impl<F: Family> Eq for Both<F>
where
    F::Of<Caldav>: Eq,
    F::Of<Google>: Eq,
{
}

impl<F: Family> Default for Both<F>
where
    F::Of<Caldav>: Default,
    F::Of<Google>: Default,
{
    fn default() -> Self {
        Self {
            caldav: Default::default(),
            google: Default::default(),
        }
    }
}

impl<F: Family> Serialize for Both<F>
where
    F::Of<Caldav>: Serialize,
    F::Of<Google>: Serialize,
{
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (&self.caldav, &self.google).serialize(serializer)
    }
}

impl<'de, F: Family> Deserialize<'de> for Both<F>
where
    F::Of<Caldav>: Deserialize<'de>,
    F::Of<Google>: Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (caldav, google) = Deserialize::deserialize(deserializer)?;
        Ok(Self { caldav, google })
    }
}
