//! Where a value of one side finds its place among values of both: the engine's code is written once
//! for either side, and this is the short list of things that must know which one it is.

use crate::mapping::Mapping;
use crate::mirror::Reading;
use crate::model::{Caldav, Google, SideTag};
use crate::plan::operation::{Operation, Step};
use crate::ports::store::{CalendarKey, Settlement};

/// A side that the run works on.
pub(crate) trait Sided: SideTag {
    /// An operation on this side, as a step of a plan.
    fn step(operation: Operation<Self>) -> Step;
    /// The mapping's calendar on this side.
    fn calendar(mapping: &Mapping) -> &CalendarKey<Self>;
    /// Puts what a write's answer showed into a settlement.
    fn show(settlement: &mut Settlement, mapping: &Mapping, reading: Reading<Self>);
}

impl Sided for Caldav {
    fn step(operation: Operation<Self>) -> Step {
        Step::Caldav(operation)
    }
    fn calendar(mapping: &Mapping) -> &CalendarKey<Self> {
        &mapping.caldav
    }
    fn show(settlement: &mut Settlement, mapping: &Mapping, reading: Reading<Self>) {
        settlement.caldav = Some((mapping.caldav.clone(), reading));
    }
}

impl Sided for Google {
    fn step(operation: Operation<Self>) -> Step {
        Step::Google(operation)
    }
    fn calendar(mapping: &Mapping) -> &CalendarKey<Self> {
        &mapping.google
    }
    fn show(settlement: &mut Settlement, mapping: &Mapping, reading: Reading<Self>) {
        settlement.google = Some((mapping.google.clone(), reading));
    }
}
