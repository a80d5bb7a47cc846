//! Who is in an event: the owner among attendees and organiser. Addresses only; nothing here is
//! kept or written.

use super::ReadContext;
use crate::component::Component;
use crate::line::Line;

/// Most ATTENDEEs that are looked at in one component.
const MAX_ATTENDEES: usize = 5_000;

/// An address as it is compared: lower case, without `mailto:`.
fn normal(address: &str) -> String {
    let address = address.trim().to_lowercase();
    let bare = address.strip_prefix("mailto:").unwrap_or(&address);
    bare.trim().to_owned()
}

/// Whether the line's calendar address, or its EMAIL parameter, is the owner's.
fn is_own(line: &Line<'_>, context: &ReadContext<'_>) -> bool {
    if context.own_addresses.is_empty() {
        return false;
    }
    let by_value = normal(&line.value());
    let by_email = line.parameter_text("EMAIL").map(|email| normal(&email));
    context.own_addresses.iter().any(|own| {
        let own = normal(own);
        own == by_value || Some(own) == by_email
    })
}

fn attendees<'s>(component: &'s Component<'_>) -> impl Iterator<Item = &'s Line<'s>> {
    component.all("ATTENDEE").take(MAX_ATTENDEES)
}

/// Whether the owner declined this component.
pub(super) fn declined(component: &Component<'_>, context: &ReadContext<'_>) -> bool {
    attendees(component)
        .filter(|line| is_own(line, context))
        .any(|line| {
            line.parameter_text("PARTSTAT")
                .is_some_and(|answer| answer.trim().eq_ignore_ascii_case("DECLINED"))
        })
}

/// Whether anybody but the owner attends.
pub(super) fn has_guests(component: &Component<'_>, context: &ReadContext<'_>) -> bool {
    attendees(component).any(|line| !is_own(line, context))
}

/// Whether the owner is among the attendees.
pub(super) fn attends(component: &Component<'_>, context: &ReadContext<'_>) -> bool {
    attendees(component).any(|line| is_own(line, context))
}

/// Whether there is an organiser, and whether it is the owner.
pub(crate) fn organizer(component: &Component<'_>, context: &ReadContext<'_>) -> Option<bool> {
    component
        .first("ORGANIZER")
        .map(|line| is_own(line, context))
}
