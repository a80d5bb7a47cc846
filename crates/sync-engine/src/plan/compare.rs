//! The four states of a component (wanted, wanted before, shown, shown before) and what follows.
//!
//! Only changed fields cross. A component of the source changed when its *projection* differs from
//! the projection of its echo; a component of the target changed when it differs from the target's
//! own echo. Where both show the same already, the echoes are set anew without a write.

use crate::diff::{self, Standing, differing};
use crate::model::{ComponentKey, Field, FieldSet, Fields, RecurrenceId, Series};
use crate::ports::side::Change;
use crate::recurrence::Given;

/// The four states of a component: wanted, wanted before, shown, shown before.
pub(super) struct Comparing<'a> {
    pub(super) want: &'a Series,
    pub(super) had: &'a Series,
    pub(super) now: &'a Series,
    pub(super) echo: &'a Series,
    /// Edits on the target are put back.
    pub(super) restore: bool,
    /// Everything counts as changed on the source.
    pub(super) anew: bool,
    /// The target has a visibility.
    pub(super) visibility: bool,
    /// What the wanted master gives.
    pub(super) given: Option<Given>,
    /// What the target's master gives, where none is wanted.
    pub(super) gives: Option<Given>,
}

/// What a component needs.
pub(super) enum Need {
    Nothing,
    Agree,
    Write(Change),
}

impl Comparing<'_> {
    pub(super) fn source_changed(&self, key: &ComponentKey) -> bool {
        self.anew || !alike(&Standing::of(self.want, key), &Standing::of(self.had, key))
    }

    fn target_changed(&self, key: &ComponentKey) -> bool {
        !alike(&Standing::of(self.now, key), &Standing::of(self.echo, key))
    }

    /// The fields of `want` that must be written over `now`, given what each side showed before.
    fn crossing(
        &self,
        want: &Fields,
        had: Option<&Fields>,
        now: &Fields,
        echo: Option<&Fields>,
    ) -> FieldSet {
        differing(want, now)
            .into_iter()
            .filter(|field| *field != Field::Visibility || self.visibility)
            .filter(|field| {
                self.anew
                    || had.is_none_or(|had| !diff::same(*field, want, had))
                    || (self.restore && echo.is_none_or(|echo| !diff::same(*field, now, echo)))
            })
            .collect()
    }

    pub(super) fn master(&self) -> Need {
        let key = ComponentKey::Master;
        let source = self.source_changed(&key);
        let target = self.target_changed(&key);
        if !(source || target && self.restore) {
            return Need::Nothing;
        }
        let (Some(want), Some(now)) = (&self.want.master, &self.now.master) else {
            return Need::Nothing;
        };
        let set = self.crossing(
            want,
            self.had.master.as_ref(),
            now,
            self.echo.master.as_ref(),
        );
        if set.is_empty() {
            Need::Agree
        } else {
            Need::Write(Change::Set(set))
        }
    }

    /// The single events of an expanded series have no master that could change: what the target's
    /// series gives by itself needs no exception, and one would not be kept.
    fn inherits_it(&self, id: RecurrenceId, want: &Standing, now: &Standing) -> bool {
        let (Some(gives), Standing::Own(want), Standing::Inherit(now)) = (&self.gives, want, now)
        else {
            return false;
        };
        let mut differ = differing(want, now).into_iter();
        differ.all(|field| field == Field::Visibility && !self.visibility) && gives.at(id)
    }

    pub(super) fn an_override(&self, key: &ComponentKey, apart: bool) -> Need {
        let ComponentKey::Override(id) = key else {
            return Need::Nothing;
        };
        let want = Standing::of(self.want, key);
        let now = Standing::of(self.now, key);
        // What stood at a time the series did not take place at was let be; once it takes place
        // there again, that counts, though neither side changed it.
        let differs = std::mem::discriminant(&want) != std::mem::discriminant(&now);
        let target = self.target_changed(key) || differs;
        if !(self.source_changed(key) || target && self.restore) {
            return Need::Nothing;
        }
        if self.inherits_it(*id, &want, &now) {
            return Need::Agree;
        }
        let occurs = self.given.as_ref().is_some_and(|given| given.at(*id));
        let set = |want: &Fields, now: &Fields| {
            let had = Standing::of(self.had, key);
            let echo = Standing::of(self.echo, key);
            // An override that is new on the source crosses whole: what its master says was never
            // agreed on for it.
            let had = matches!(had, Standing::Own(_))
                .then(|| had.fields())
                .flatten();
            self.crossing(want, had, now, echo.fields())
        };
        transition(&want, &now, occurs, apart, set)
    }
}

/// What turns an override that shows `now` into one that shows `want`. `occurs`: the series takes
/// place at this time as the source has it. `apart`: the target keeps exceptions as resources of
/// their own. `set`: which fields of two overrides with fields of their own are to be written.
pub(super) fn transition(
    want: &Standing,
    now: &Standing,
    occurs: bool,
    apart: bool,
    set: impl FnOnce(&Fields, &Fields) -> FieldSet,
) -> Need {
    match (want, now) {
        (Standing::Cancelled, Standing::Cancelled)
        | (Standing::Nothing, Standing::Nothing)
        | (Standing::Inherit(_), Standing::Inherit(_)) => Need::Agree,
        // Calling off, or restoring, what does not take place anyway. Where all is one resource
        // nothing stray is left in it.
        (Standing::Inherit(_) | Standing::Nothing, Standing::Cancelled) if !occurs && !apart => {
            Need::Write(Change::Inherit)
        }
        (
            Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing,
            Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing,
        ) if !occurs => Need::Agree,
        // A stray exception at a time the series no longer takes place at.
        (Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing, Standing::Own(_))
            if !occurs =>
        {
            Need::Write(if apart {
                Change::Cancel
            } else {
                Change::Inherit
            })
        }
        (Standing::Cancelled, _) => Need::Write(Change::Cancel),
        (Standing::Inherit(_) | Standing::Nothing, _) => Need::Write(Change::Inherit),
        (Standing::Own(want), Standing::Own(now)) => {
            let set = set(want, now);
            if set.is_empty() {
                Need::Agree
            } else {
                Need::Write(Change::Set(set))
            }
        }
        (Standing::Own(_), _) => Need::Write(Change::Add),
    }
}

/// Whether two standings say the same; what an override inherits is the master's matter.
pub(super) fn alike(a: &Standing, b: &Standing) -> bool {
    match (a, b) {
        (Standing::Own(a), Standing::Own(b)) => a == b,
        (Standing::Cancelled, Standing::Cancelled)
        | (Standing::Inherit(_) | Standing::Nothing, Standing::Inherit(_) | Standing::Nothing) => {
            true
        }
        _ => false,
    }
}
