//! The registry: which series of one side belongs to which of the other, and what both showed when
//! they last agreed. Values; the store keeps them, the planner reads them.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::model::{
    Both, ComponentKey, ConflictId, Family, Fingerprint, ResourceId, Series, SeriesKey, Side,
    SideTag, Uid,
};

/// A row's name inside its mapping: the side and key of the series it was made for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(String);

impl RowKey {
    /// The row of a series first seen on side `S`.
    pub fn new<S: SideTag>(key: &SeriesKey<S>) -> Self {
        Self(format!("{}:{key}", S::SIDE))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for RowKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// One series of a mapping: tracked when both sides are linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub key: RowKey,
    /// The UID on the side it comes from.
    pub uid: Uid,
    /// Which side's is a copy made here; `None` when both are natives that were adopted.
    pub copy: Option<Side>,
    /// The generation of the copy's id.
    pub generation: u32,
    /// What each side showed when both agreed; `None` where it is not linked.
    pub links: Both<Links>,
    /// Whether it takes part.
    pub state: RowState,
    /// Trouble with components that is being waited out.
    pub setbacks: Vec<(ComponentKey, Setback)>,
    /// When the plan must look at it again though nothing changes: a retry, or its entry into the
    /// window.
    pub due: Option<Timestamp>,
    /// Conflicts that wait for a person.
    #[serde(default)]
    pub open: Vec<ConflictId>,
    /// What was written within the last hour, to notice loops.
    #[serde(default)]
    pub wrote: Vec<Wrote>,
    /// What both sides showed when it was set aside after a loop: anything else ends that. `None`
    /// where it was set aside by a person, who is asked by what both agreed on.
    #[serde(default)]
    pub aside: Option<Fingerprint>,
    /// A creation was under way when the program died, and nothing was found of it since: it may
    /// have been deleted by a person.
    #[serde(default)]
    pub unsure: bool,
    /// The mapping's settings changed, and this series was not brought in line with them yet.
    #[serde(default)]
    pub anew: bool,
}

/// One write, by the state it met and the state it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Stands for the pair of states.
    pub pair: Fingerprint,
    /// When.
    pub at: Timestamp,
}

impl Row {
    /// A row that links nothing yet.
    pub fn new(key: RowKey, uid: Uid, copy: Option<Side>) -> Self {
        Self {
            key,
            uid,
            copy,
            generation: 0,
            links: Both::default(),
            state: RowState::Active,
            setbacks: Vec::new(),
            due: None,
            open: Vec::new(),
            wrote: Vec::new(),
            aside: None,
            unsure: false,
            anew: false,
        }
    }

    /// Whether both sides are linked.
    pub fn is_tracked(&self) -> bool {
        self.links.caldav.is_some() && self.links.google.is_some()
    }

    /// The link of side `S`.
    pub fn link<S: SideTag>(&self) -> Option<&Link<S>> {
        self.links.get::<S>().as_ref()
    }

    /// The link of side `S`, to be set.
    pub fn link_mut<S: SideTag>(&mut self) -> &mut Option<Link<S>> {
        self.links.get_mut::<S>()
    }
}

/// Whether a row takes part in plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// It does.
    #[default]
    Active,
    /// Its source is cancelled, declined or private: it has no presence on the other side, and the
    /// copy's absence is our doing.
    Withheld,
    /// Another mapping feeds the same UID into the same calendar; this one stands by.
    Standby,
    /// Its source is gone, and another mapping that stands by for the same UID takes the copy over.
    Released,
    /// Set aside after a loop or an undo, until either side changes it or a person releases it.
    SetAside,
}

/// What one side's part of a series was when both agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Link<S: SideTag> {
    /// The series on this side: one key, or one per occurrence where the series had to be expanded
    /// into single events.
    pub keys: Vec<SeriesKey<S>>,
    /// The resources it consisted of, by component.
    pub resources: Vec<(ComponentKey, ResourceId<S>)>,
    /// The core fields this side showed after the last agreement.
    pub echo: Series,
    /// Whether a read has shown it on this side (P3); what was only written may be missing for
    /// other reasons than a person.
    pub shown: bool,
    /// First complete read that missed it though nothing had shown it yet.
    pub missing_since: Option<Timestamp>,
    /// Whether it stands there as single events, one per occurrence.
    pub expanded: bool,
    /// The side itself said that it is gone, though the mirror never held it.
    #[serde(default)]
    pub gone: bool,
    /// When this side said each component was modified, at the last agreement.
    #[serde(default)]
    pub stamps: Vec<(ComponentKey, Timestamp)>,
    /// When its server said that each was written, at the last agreement.
    #[serde(default)]
    pub written: Vec<(ComponentKey, Timestamp)>,
}

impl<S: SideTag> Link<S> {
    /// A link to nothing yet.
    pub fn empty() -> Self {
        Self {
            keys: Vec::new(),
            resources: Vec::new(),
            echo: Series::default(),
            shown: false,
            missing_since: None,
            expanded: false,
            gone: false,
            stamps: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Remembers when a component was modified, and written, now that both agree on it.
    pub(crate) fn stamped(
        &mut self,
        key: ComponentKey,
        modified: Option<Timestamp>,
        written: Option<Timestamp>,
    ) {
        self.stamps.retain(|(known, _)| *known != key);
        self.stamps.extend(modified.map(|at| (key, at)));
        self.written.retain(|(known, _)| *known != key);
        self.written.extend(written.map(|at| (key, at)));
    }

    /// What this resource showed was never agreed on.
    pub(crate) fn forget(&mut self, resource: &ResourceId<S>) {
        let parts = self.resources.iter().filter(|(_, id)| id == resource);
        for (key, _) in parts {
            self.echo.take(key, None);
        }
    }
}

/// Trouble with one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    /// Failed attempts in a row.
    pub attempts: u32,
    /// No attempt before this, unless either side changes.
    pub until: Timestamp,
    /// Stable code.
    pub code: String,
    /// One plain sentence.
    pub detail: String,
}

/// The family of links, one per side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Links;

impl Family for Links {
    type Of<S: SideTag> = Option<Link<S>>;
}
