//! Putting an edited object together: stamps on what was touched, components out and in.

use jiff::Timestamp;

use super::edit::Editor;
use super::field::replace;
use super::property::{plain, stamp};
use crate::component::{Component, Item};
use crate::read::{ReadContext, Slot, organizer};
use crate::zones::describe;

impl<'d> Editor<'d, '_> {
    /// Stamps what was touched, and puts the object together.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for slot in self.touched.clone() {
            let (now, context) = (self.edit.now, self.names.context);
            if let Some(component) = self.component(slot) {
                bump(component, now, context);
            }
        }
        let at = self
            .master
            .or_else(|| self.overrides.values().next().copied())
            .map_or(0, |slot| slot.calendar);
        let described: Vec<Component<'d>> = self
            .names
            .needed
            .values()
            .filter(|(zone, _)| !self.names.zones.describes(zone.as_str()))
            .map(|(zone, from)| describe(zone, *from))
            .collect();
        for (calendar, item) in self.document.items.iter_mut().enumerate() {
            let Item::Component(outer) = item else {
                continue;
            };
            let here = calendar == at;
            let removed = |item| self.removed.contains(&Slot { calendar, item });
            rebuild(
                outer,
                removed,
                if here { described.clone() } else { Vec::new() },
                if here {
                    std::mem::take(&mut self.added)
                } else {
                    Vec::new()
                },
            );
        }
        self.document.to_bytes()
    }
}

/// DTSTAMP, LAST-MODIFIED and SEQUENCE of a component that was edited.
fn bump(component: &mut Component<'_>, now: Timestamp, context: &ReadContext<'_>) {
    replace(component, "DTSTAMP", vec![stamp("DTSTAMP", now)]);
    replace(
        component,
        "LAST-MODIFIED",
        vec![stamp("LAST-MODIFIED", now)],
    );
    if organizer(component, context) == Some(false) {
        return;
    }
    let sequence: u64 = component
        .first("SEQUENCE")
        .and_then(|line| line.value().trim().parse().ok())
        .unwrap_or(0);
    let next = sequence.saturating_add(1).to_string();
    replace(component, "SEQUENCE", vec![plain("SEQUENCE", &next)]);
}

/// Takes components out, and puts zones before the first event and events after the last.
fn rebuild<'d>(
    calendar: &mut Component<'d>,
    removed: impl Fn(usize) -> bool,
    zones: Vec<Component<'d>>,
    events: Vec<Component<'d>>,
) {
    let is = |item: &Item<'_>, name: &str| matches!(item, Item::Component(inner) if inner.is(name));
    let component = |item: &Item<'_>| matches!(item, Item::Component(_));
    let first = match calendar
        .items
        .iter()
        .rposition(|item| is(item, "VTIMEZONE"))
    {
        Some(zone) => zone + 1,
        None => calendar
            .items
            .iter()
            .position(component)
            .unwrap_or(calendar.items.len()),
    };
    let last = calendar
        .items
        .iter()
        .rposition(|item| is(item, "VEVENT"))
        .map_or(calendar.items.len(), |last| last + 1)
        .max(first);
    let wrap = |component| Item::Component(Box::new(component));
    let mut items = Vec::with_capacity(calendar.items.len() + zones.len() + events.len());
    let (mut zones, mut events) = (Some(zones), Some(events));
    for (at, item) in std::mem::take(&mut calendar.items).into_iter().enumerate() {
        if at == first {
            items.extend(zones.take().into_iter().flatten().map(wrap));
        }
        if at == last {
            items.extend(events.take().into_iter().flatten().map(wrap));
        }
        if !removed(at) {
            items.push(item);
        }
    }
    items.extend(zones.into_iter().flatten().map(wrap));
    items.extend(events.into_iter().flatten().map(wrap));
    calendar.items = items;
}
