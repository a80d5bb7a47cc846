//! From components to a series: which one is the master, which overrides stand, what they say.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use sync_engine::identity::OriginTag;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{
    ComponentKey, Fields, OverrideValue, RecurrenceId, Series, Status, Uid, When,
};
use sync_engine::observation::Remark;
use sync_engine::recurrence::{Given, Onward, recurrence_id_in};
use sync_engine::snapshot::inherited;

use super::stamps::{modified, stamps};
use super::times::{excerpt, read_time, read_times};
use super::{EventObject, ReadContext, people, range, read_fields};
use crate::component::{Component, Document, Item};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::line::text::unescape;
use crate::value::Stamp;
use crate::write::{ORIGIN, SOURCE_UID};
use crate::zones::Zones;

/// Where a component stands: the item of the document, and the item in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) calendar: usize,
    pub(crate) item: usize,
}

/// A document with everything that reading found out about it.
#[derive(Debug)]
pub(crate) struct Understood {
    pub(crate) event: EventObject,
    pub(crate) zones: Zones,
    /// The master's component.
    pub(crate) master: Option<Slot>,
    /// The overrides' components, also those that say nothing of their own.
    pub(crate) overrides: BTreeMap<RecurrenceId, Slot>,
    /// Components of occurrences that have another one which counts.
    pub(crate) duplicates: Vec<(RecurrenceId, Slot)>,
    /// Components that stand for their own occurrence and all later ones.
    pub(crate) futures: BTreeMap<RecurrenceId, Future>,
    /// Whether those were taken apart into overrides.
    pub(crate) apart: bool,
}

/// A component that stands for its own occurrence and all later ones.
#[derive(Debug, Clone)]
pub(crate) struct Future {
    pub(crate) slot: Slot,
    /// What it says, of its own occurrence.
    pub(crate) fields: Fields,
}

/// An override as it stands.
pub(super) struct Override {
    slot: Slot,
    sequence: u64,
    fields: Fields,
    pub(super) modified: Option<Timestamp>,
}

/// The overrides of single occurrences, and those that stand for later ones too.
#[derive(Default)]
pub(super) struct Overrides {
    pub(super) single: BTreeMap<RecurrenceId, Override>,
    pub(super) future: BTreeMap<RecurrenceId, Override>,
}

impl Understood {
    /// Understands a document; `None` if it holds no event.
    pub(crate) fn of(
        document: &Document<'_>,
        context: &ReadContext<'_>,
    ) -> Result<Option<Self>, ReadError> {
        let events = events(document);
        if !document.components().any(|each| each.is("VCALENDAR")) {
            return Err(ReadError::NotCalendar);
        }
        if let Some(component) = &document.unclosed {
            return Err(ReadError::Cut {
                component: excerpt(component),
            });
        }
        // What stands after a component without END is lost inside it.
        let calendars = document.components().filter(|each| each.is("VCALENDAR"));
        if let Some(open) = calendars
            .flat_map(Component::components)
            .find(|inner| !inner.is_closed())
        {
            return Err(ReadError::Cut {
                component: excerpt(&open.name()),
            });
        }
        if events.is_empty() {
            return Ok(None);
        }
        let nested = |(_, event): &(Slot, &Component<'_>)| {
            event.components().any(|inner| inner.is("VEVENT"))
        };
        if events.iter().any(nested) {
            return Err(ReadError::Cut {
                component: "VEVENT".to_owned(),
            });
        }
        Reader::new(document, context, &events)?
            .read(&events)
            .map(Some)
    }
}

/// Every VEVENT with its place.
fn events<'d>(document: &'d Document<'_>) -> Vec<(Slot, &'d Component<'d>)> {
    let mut events = Vec::new();
    for (calendar, item) in document.items.iter().enumerate() {
        let Item::Component(outer) = item else {
            continue;
        };
        if !outer.is("VCALENDAR") {
            continue;
        }
        for (item, inner) in outer.items.iter().enumerate() {
            if let Item::Component(component) = inner
                && component.is("VEVENT")
            {
                events.push((Slot { calendar, item }, component.as_ref()));
            }
        }
    }
    events
}

struct Reader<'c> {
    context: &'c ReadContext<'c>,
    zones: Zones,
    uid: Uid,
    remarks: Vec<Remark>,
    duplicates: Vec<(RecurrenceId, Slot)>,
    /// Whether any time became UTC by the object's own rules.
    by_rules: bool,
}

impl<'c> Reader<'c> {
    fn new(
        document: &Document<'_>,
        context: &'c ReadContext<'c>,
        events: &[(Slot, &Component<'_>)],
    ) -> Result<Self, ReadError> {
        let uid = uid_of(events, &context.limits)?;
        let first = events
            .iter()
            .find(|(_, event)| event.first("RECURRENCE-ID").is_none())
            .or_else(|| events.first());
        let start = first
            .and_then(|(_, event)| event.first("DTSTART"))
            .and_then(|line| Stamp::parse(&line.value()));
        let start = match start {
            Some(Stamp::Date(date)) => date.at(0, 0, 0, 0),
            Some(Stamp::Local(wall) | Stamp::Utc(wall)) => wall,
            None => DateTime::default(),
        };
        let repeats = events
            .iter()
            .any(|(_, event)| event.first("RRULE").is_some() || event.first("RDATE").is_some());
        Ok(Self {
            context,
            zones: Zones::of(document, start, repeats),
            uid,
            remarks: Vec::new(),
            duplicates: Vec::new(),
            by_rules: false,
        })
    }

    fn read(mut self, events: &[(Slot, &Component<'_>)]) -> Result<Understood, ReadError> {
        let mut master: Option<(Slot, &Component<'_>, Fields)> = None;
        for (slot, event) in events {
            if event.first("RECURRENCE-ID").is_some() {
                continue;
            }
            if master.is_some() {
                self.remark(
                    "duplicate_master",
                    "The object holds this event twice; the first one counts.",
                );
                break;
            }
            master = Some((*slot, *event, self.fields(event)?));
        }
        let mut found = Overrides::default();
        for (slot, event) in events {
            let fields = master.as_ref().map(|(_, _, fields)| fields);
            self.add_override(*slot, event, fields, &mut found)?;
        }
        let future: Vec<Onward> = found
            .future
            .iter()
            .map(|(id, one)| Onward {
                from: *id,
                fields: one.fields.clone(),
            })
            .collect();
        let mut apart = None;
        if let Some((_, _, fields)) = &mut master
            && !future.is_empty()
        {
            apart = range::apart(fields, self.context);
            if apart.is_none()
                && let Some(recurrence) = &mut fields.recurrence
            {
                recurrence.onward.clone_from(&future);
            }
            self.remark(
                "this_and_future",
                "One override stands for all later occurrences; each of them is shown as changed.",
            );
        }
        let fields = master.as_ref().map(|(_, _, fields)| fields);
        let mut series = Series {
            master: None,
            overrides: BTreeMap::new(),
        };
        if let Some((_, component, fields)) = &master {
            self.exceptions(component, fields, &mut series)?;
        }
        if apart.is_none() {
            // Beside an EXDATE of the same occurrence an override wins.
            series
                .overrides
                .retain(|id, _| !found.future.contains_key(id));
        }
        for (id, one) in &found.single {
            match value(*id, &one.fields, fields, self.context) {
                Some(value) => series.overrides.insert(*id, value),
                None => series.overrides.remove(id),
            };
        }
        if apart.is_none()
            && let Some(fields) = fields
        {
            let given = Given::of(fields, &self.context.floating);
            for (id, one) in &found.future {
                // One that stands where the rule gives nothing is shown all the same.
                if !given.at(*id) {
                    let own = OverrideValue::Fields(Box::new(one.fields.clone()));
                    series.overrides.entry(*id).or_insert(own);
                }
            }
        }
        let mut given = Vec::new();
        if let (Some(all), Some(master)) = (&apart, fields) {
            let named = found.single.keys().copied().collect();
            given = range::spread(&mut series, master, all, &future, &named, self.context);
        }
        let stamps = stamps(master.as_ref().map(|(_, event, _)| *event), &found, &given);
        if self.by_rules {
            self.remark(
                "custom_zone",
                "The event is in a time zone of its own making; its time is kept as UTC.",
            );
        }
        let slots: Vec<&Component<'_>> = events.iter().map(|(_, event)| *event).collect();
        let master_slot = master.as_ref().map(|(slot, ..)| *slot);
        series.master = master.map(|(.., fields)| fields);
        let event = self.event(series, stamps, &slots);
        Ok(Understood {
            event,
            zones: self.zones,
            master: master_slot,
            overrides: slots_of(found.single),
            duplicates: self.duplicates,
            futures: found
                .future
                .into_iter()
                .map(|(id, one)| {
                    let (slot, fields) = (one.slot, one.fields);
                    (id, Future { slot, fields })
                })
                .collect(),
            apart: apart.is_some(),
        })
    }

    fn fields(&mut self, event: &Component<'_>) -> Result<Fields, ReadError> {
        let (fields, by_rules) = read_fields(event, &self.zones, self.context)?;
        self.by_rules |= by_rules;
        Ok(fields)
    }

    fn add_override(
        &mut self,
        slot: Slot,
        event: &Component<'_>,
        master: Option<&Fields>,
        found: &mut Overrides,
    ) -> Result<(), ReadError> {
        let Some(line) = event.first("RECURRENCE-ID") else {
            return Ok(());
        };
        if found.single.len() + found.future.len() >= self.context.limits.overrides {
            return Err(ReadError::TooLarge {
                what: "overrides",
                limit: self.context.limits.overrides,
            });
        }
        let original = read_time(line, &line.value(), &self.zones)?;
        self.by_rules |= original.by_rules;
        let mut fields = if event.first("DTSTART").is_none() && master.is_some() {
            // A cancelled occurrence is seen without a time of its own.
            timeless(event, master)?
        } else {
            self.fields(event)?
        };
        fields.recurrence = None;
        // Without a master, the override's own zone is the best there is.
        let wall = master.map_or(&fields.when, |master| &master.when);
        let id = recurrence_id_in(wall, &original.moment.original(), &self.context.floating);
        let sequence = event
            .first("SEQUENCE")
            .and_then(|line| line.value().trim().parse().ok())
            .unwrap_or(0);
        // Alone, or in an event that does not repeat, there is nothing later it could stand for.
        let future = master.is_some_and(|master| master.recurrence.is_some())
            && line
                .parameter_text("RANGE")
                .is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
        let found = if future {
            &mut found.future
        } else {
            &mut found.single
        };
        if found.get(&id).is_none_or(|other| other.sequence < sequence) {
            let one = Override {
                slot,
                sequence,
                fields,
                modified: modified(event),
            };
            if let Some(loser) = found.insert(id, one) {
                self.duplicates.push((id, loser.slot));
            }
        } else {
            self.duplicates.push((id, slot));
        }
        Ok(())
    }

    fn exceptions(
        &mut self,
        component: &Component<'_>,
        fields: &Fields,
        series: &mut Series,
    ) -> Result<(), ReadError> {
        if fields.recurrence.is_none() {
            return Ok(());
        }
        for line in component.all("EXDATE") {
            for time in read_times(line, &self.zones)? {
                let original = time.moment.original();
                let id = recurrence_id_in(&fields.when, &original, &self.context.floating);
                series.overrides.insert(id, OverrideValue::Cancelled);
                if series.overrides.len() > self.context.limits.exceptions {
                    return Err(ReadError::TooLarge {
                        what: "exceptions",
                        limit: self.context.limits.exceptions,
                    });
                }
            }
        }
        Ok(())
    }

    fn event(
        &mut self,
        series: Series,
        stamps: Vec<(ComponentKey, Timestamp)>,
        events: &[&Component<'_>],
    ) -> EventObject {
        let context = self.context;
        if events.iter().any(|event| !is_utf8(event)) {
            self.remark(
                "invalid_utf8",
                "Some of the event's text is not valid UTF-8; the characters in question are shown as \u{FFFD}.",
            );
        }
        let text = |name: &str| {
            let mut lines = events.iter().filter_map(|event| event.first(name));
            lines
                .next()
                .map(|line| unescape(&line.value()).trim().to_owned())
        };
        let organizer = events
            .iter()
            .find_map(|event| people::organizer(event, context));
        let attends = events.iter().any(|event| people::attends(event, context));
        EventObject {
            uid: self.uid.clone(),
            series,
            modified: events.iter().filter_map(|event| modified(event)).max(),
            stamps,
            has_guests: events
                .iter()
                .any(|event| people::has_guests(event, context)),
            organized_by_me: organizer == Some(true),
            attending: organizer == Some(false) && attends,
            tag: text(ORIGIN).and_then(|text| OriginTag::from_text(&text)),
            source_uid: text(SOURCE_UID).filter(|uid| !uid.is_empty()).map(Uid::new),
            remarks: std::mem::take(&mut self.remarks),
        }
    }

    fn remark(&mut self, code: &str, detail: &str) {
        self.remarks.push(Remark {
            code: code.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

/// An override without DTSTART: only one that cancels can do without.
fn timeless(event: &Component<'_>, master: Option<&Fields>) -> Result<Fields, ReadError> {
    match master {
        Some(master) if super::status(event) == Status::Cancelled => Ok(Fields {
            status: Status::Cancelled,
            ..master.clone()
        }),
        _ => Err(ReadError::NoStart),
    }
}

/// The one UID of all events.
fn uid_of(events: &[(Slot, &Component<'_>)], limits: &Limits) -> Result<Uid, ReadError> {
    let mut uid: Option<String> = None;
    for (_, event) in events {
        let Some(line) = event.first("UID") else {
            continue;
        };
        let own = unescape(&line.value()).trim().to_owned();
        if own.len() > limits.uid_bytes {
            return Err(ReadError::TooLarge {
                what: "octets in its UID",
                limit: limits.uid_bytes,
            });
        }
        match &uid {
            _ if own.is_empty() => {}
            None => uid = Some(own),
            Some(first) if *first == own => {}
            Some(first) => {
                return Err(ReadError::SeveralUids {
                    first: excerpt(first),
                    second: excerpt(&own),
                });
            }
        }
    }
    uid.map(Uid::new).ok_or(ReadError::NoUid)
}

fn slots_of(found: BTreeMap<RecurrenceId, Override>) -> BTreeMap<RecurrenceId, Slot> {
    found.into_iter().map(|(id, one)| (id, one.slot)).collect()
}

fn is_utf8(event: &Component<'_>) -> bool {
    event.lines().all(crate::line::Line::is_utf8)
}

/// What an override says; `None` if no more than the master does.
pub(super) fn value(
    id: RecurrenceId,
    fields: &Fields,
    master: Option<&Fields>,
    context: &ReadContext<'_>,
) -> Option<OverrideValue> {
    if let Some(master) = master {
        if fields.status == Status::Cancelled {
            return Some(OverrideValue::Cancelled);
        }
        let inherited = inherited(master, id);
        let restated = Fields {
            when: inherited.when.clone(),
            ..fields.clone()
        };
        if restated == inherited && same_when(&fields.when, &inherited.when, context) {
            return None;
        }
    }
    Some(OverrideValue::Fields(Box::new(fields.clone())))
}

/// Whether two whens are the same moments in the same kind of time.
fn same_when(one: &When, other: &When, context: &ReadContext<'_>) -> bool {
    one == other
        || (!one.is_all_day()
            && !other.is_all_day()
            && one.instants(&context.floating) == other.instants(&context.floating))
}
