//! What people do: on the CalDAV side with a client that reads, edits and stores conditionally, at
//! Google with its own interface. Every edit leaves a value that no other edit leaves.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::google::Person;

use super::End;
use super::cast::{Aspect, Edit, Event, Slot, ZONE};
use super::object::{Object, Stamp};
use super::play::Play;
use super::words::{Draft, berlin, member, object, property, rule, shown, times, until, wall};
use crate::common::{ACCOUNT, TARGET};

impl Play {
    fn draft(&mut self) -> Draft {
        let today = Timestamp::now().in_tz(ZONE).unwrap().date();
        let date: Date = today.checked_add(self.dice.between(3, 16).days()).unwrap();
        let hour = i8::try_from(self.dice.between(8, 18)).unwrap();
        let (every, count) = *self.dice.pick(&[(0, 1), (0, 1), (1, 5), (1, 7), (7, 3)]);
        let all_day = self.dice.percent(25);
        let hour = if all_day { 0 } else { hour };
        Draft {
            start: date.at(hour, 0, 0, 0),
            all_day,
            every,
            count,
        }
    }

    fn cast(&mut self, origin: End, draft: &Draft) -> Event {
        self.made += 1;
        Event {
            name: format!("E{:03}", self.made),
            origin,
            every: draft.every,
            count: draft.count,
            edits: Vec::new(),
            retired: false,
            carried: std::collections::BTreeMap::new(),
            born: self.well,
        }
    }

    /// A new event of either side.
    pub(super) async fn make(&mut self, origin: End) {
        let draft = self.draft();
        let event = self.cast(origin, &draft);
        let title = format!("{} as made", event.name);
        let event = match origin {
            End::Caldav => {
                let object = object(&event.name, &title, &draft);
                let carried = self.place.as_kept(&object).await.carried();
                self.place.create(&event.name, &object).await;
                Event { carried, ..event }
            }
            End::Google => {
                let mut body = times(draft.start, draft.all_day);
                body["summary"] = json!(title);
                body["colorId"] = json!("7");
                body["extendedProperties"] = json!({ "private": { "chaos": event.name } });
                if let Some(rule) = rule(&draft) {
                    body["recurrence"] = json!([rule]);
                }
                self.person().insert(TARGET, body).unwrap();
                event
            }
        };
        self.events.push(event);
        let at = self.events.len() - 1;
        self.note(at, origin, Slot::Whole, Aspect::Title, title);
    }

    /// Some edit of some event at `end`: whether there was one to make.
    pub(super) async fn edit(&mut self, end: End) -> bool {
        let Some(at) = self.choose(end) else {
            return false;
        };
        let event = self.events[at].clone();
        let chance = self.dice.roll(100);
        let has_days = event.recurs() && !event.is_being_moved(end, self.well);
        let done = match chance {
            0..=29 => self.reword(at, end).await,
            30..=49 if has_days => self.change_one(at, end).await,
            50..=64 if has_days => self.call_off(at, end).await,
            65..=72 if has_days && end == End::Google => self.this_and_following(at),
            73..=82 if self.may_delete(&event, end) => self.delete(at, end).await,
            _ if event.may_be_moved() => self.shift(at, end).await,
            _ => self.reword(at, end).await,
        };
        done.is_some()
    }

    /// An event that is still edited, seldom one whose last edit at the other side is on its way.
    fn choose(&mut self, end: End) -> Option<usize> {
        let bold = self.dice.percent(25);
        let runs = self.well;
        let candidates: Vec<usize> = self
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| !event.retired && (bold || !event.pending_against(end, runs)))
            // What never crosses is edited where it is.
            .filter(|(_, event)| event.origin == end || self.way.carries(event.origin))
            .map(|(at, _)| at)
            .collect();
        (!candidates.is_empty()).then(|| *self.dice.pick(&candidates))
    }

    /// Whether a deletion at `end` is certain to be told from a copy that never arrived: a run has
    /// made it, another has read it there.
    fn may_delete(&self, event: &Event, end: End) -> bool {
        event.origin == end || event.born + 2 <= self.well
    }

    pub(super) fn note(&mut self, at: usize, end: End, slot: Slot, aspect: Aspect, value: String) {
        let run = self.well;
        self.events[at].edits.push(Edit {
            at: Timestamp::now(),
            end,
            slot,
            aspect,
            value,
            run,
        });
    }

    /// Another title, location or description for the event as a whole.
    async fn reword(&mut self, at: usize, end: End) -> Option<()> {
        let name = self.events[at].name.clone();
        let aspect = *self
            .dice
            .pick(&[Aspect::Title, Aspect::Place, Aspect::Text]);
        let value = self.words(&name, aspect);
        match end {
            End::Caldav => {
                let line = format!("{}:{value}", property(aspect));
                self.rewrite(&name, |object| {
                    let master = object.master()?;
                    object.set(&master, &line, Timestamp::now());
                    Some(())
                })
                .await?;
            }
            End::Google => {
                let id = self.at_google(&name)?.id;
                let body = json!({ member(aspect): value });
                self.person().patch(TARGET, &id, body).ok()?;
            }
        }
        self.note(at, end, Slot::Whole, aspect, value);
        Some(())
    }

    fn words(&mut self, name: &str, aspect: Aspect) -> String {
        self.told += 1;
        match aspect {
            Aspect::Title => format!("{name} title {}", self.told),
            Aspect::Place => format!("room {}", self.told),
            _ => format!("text {}", self.told),
        }
    }

    /// Another time for the whole event, some hours or a day from now.
    async fn shift(&mut self, at: usize, end: End) -> Option<()> {
        let name = self.events[at].name.clone();
        let (days, hours) = (self.dice.between(0, 3), self.dice.between(1, 4));
        let later = |stamp: &Stamp| {
            if stamp.is_day() {
                stamp.later((days + 1).days())
            } else {
                stamp.later(days.days().hours(hours))
            }
        };
        let shown = match end {
            End::Caldav => {
                self.rewrite(&name, |object| {
                    let master = object.master().filter(|_| object.is_plain())?;
                    let start = later(&object.stamp(&master, "DTSTART")?);
                    let stop = later(&object.stamp(&master, "DTEND")?);
                    let now = Timestamp::now();
                    object.set(&master, &start.line("DTSTART"), now);
                    let master = object.master()?;
                    object.set(&master, &stop.line("DTEND"), now);
                    Some(start.shown())
                })
                .await?
            }
            End::Google => {
                let there = self.at_google(&name).filter(|there| there.is_plain)?;
                let moved = if there.all_day {
                    there.start.checked_add((days + 1).days()).unwrap()
                } else {
                    there.start.checked_add(days.days().hours(hours)).unwrap()
                };
                let body = times(moved, there.all_day);
                self.person().patch(TARGET, &there.id, body).ok()?;
                shown(moved, there.all_day)
            }
        };
        self.note(at, end, Slot::Whole, Aspect::Start, shown);
        Some(())
    }

    /// Another title for one occurrence, or another time of its day.
    async fn change_one(&mut self, at: usize, end: End) -> Option<()> {
        let (nth, event) = self.occurrence(at)?;
        let value = self.words(&event.name, Aspect::Title);
        let moves = self.dice.percent(40);
        let (aspect, value) = match end {
            End::Caldav => {
                let marker = format!("X-CHAOS-ONE:{} {nth}", event.name);
                let days = nth * event.every;
                let edited = self
                    .rewrite(&event.name, |object| {
                        let master = object.master()?;
                        let original = object.stamp(&master, "DTSTART")?.later(days.days());
                        if object.excludes(original.instant()) {
                            return None;
                        }
                        let known = object.overridden(original.instant());
                        let fresh = known.is_none();
                        let found = known.unwrap_or_else(|| object.override_at(&original, &marker));
                        let now = Timestamp::now();
                        if moves && !original.is_day() {
                            let start = object.stamp(&found, "DTSTART")?.later(2.hours());
                            let stop = object.stamp(&found, "DTEND")?.later(2.hours());
                            object.set(&found, &start.line("DTSTART"), now);
                            let found = object.overridden(original.instant())?;
                            object.set(&found, &stop.line("DTEND"), now);
                            Some((Aspect::Start, start.shown(), original, fresh))
                        } else {
                            object.set(&found, &format!("SUMMARY:{value}"), now);
                            Some((Aspect::Title, value.clone(), original, fresh))
                        }
                    })
                    .await?;
                let (aspect, value, original, fresh) = edited;
                if fresh {
                    self.carries_too(at, original.instant()).await;
                }
                (aspect, value)
            }
            End::Google => {
                let there = self.at_google(&event.name)?;
                let one = self.instance(&there, event.every, nth)?;
                let id = one["id"].as_str()?.to_owned();
                let start = wall(&one["start"])?;
                if moves && !there.all_day {
                    let moved = start.checked_add(2.hours()).unwrap();
                    let body = times(moved, false);
                    self.person().patch(TARGET, &id, body).ok()?;
                    (Aspect::Start, shown(moved, false))
                } else {
                    let body = json!({ "summary": value });
                    self.person().patch(TARGET, &id, body).ok()?;
                    (Aspect::Title, value)
                }
            }
        };
        self.note(at, end, Slot::Nth(nth), aspect, value);
        Some(())
    }

    /// What the override that was just written carries, as the server keeps it.
    async fn carries_too(&mut self, at: usize, original: Timestamp) {
        let name = self.events[at].name.clone();
        let Some(held) = self.place.find(&name).await else {
            return;
        };
        let lines = held.object.carried().remove(&Some(original));
        if let Some(lines) = lines {
            self.events[at].carried.insert(Some(original), lines);
        }
    }

    /// One occurrence less.
    async fn call_off(&mut self, at: usize, end: End) -> Option<()> {
        let (nth, event) = self.occurrence(at)?;
        match end {
            End::Caldav => {
                let days = nth * event.every;
                self.rewrite(&event.name, |object| {
                    let master = object.master()?;
                    let original = object.stamp(&master, "DTSTART")?.later(days.days());
                    if object.excludes(original.instant()) {
                        return None;
                    }
                    if let Some(known) = object.overridden(original.instant()) {
                        object.remove(known);
                    }
                    let master = object.master()?;
                    let master = object.insert(&master, &original.line("EXDATE"));
                    let sequence = object.value(&master, "SEQUENCE").unwrap_or_default();
                    let sequence = sequence.parse::<u32>().unwrap_or(0) + 1;
                    object.set(&master, &format!("SEQUENCE:{sequence}"), Timestamp::now());
                    Some(())
                })
                .await?;
            }
            End::Google => {
                let there = self.at_google(&event.name)?;
                let one = self.instance(&there, event.every, nth)?;
                self.person().delete(TARGET, one["id"].as_str()?).ok()?;
            }
        }
        self.note(
            at,
            end,
            Slot::Nth(nth),
            Aspect::Gone,
            "called off".to_owned(),
        );
        Some(())
    }

    /// "This and following" at Google: the series ends earlier, a new one goes on under an id that
    /// tells where it comes from.
    fn this_and_following(&mut self, at: usize) -> Option<()> {
        let event = self.events[at].clone();
        let from = event.untouched_from();
        if from >= event.count {
            return None;
        }
        let cut = self.dice.between(from, event.count);
        let there = self.at_google(&event.name)?;
        let start = there.start.checked_add((cut * event.every).days()).unwrap();
        let draft = Draft {
            start,
            all_day: there.all_day,
            every: event.every,
            count: event.count - cut,
        };
        let ended = Draft {
            start: there.start,
            count: cut,
            ..draft
        };
        let body = json!({ "recurrence": [until(&ended)] });
        self.person().patch(TARGET, &there.id, body).ok()?;
        self.events[at].count = cut;
        self.note(at, End::Google, Slot::Whole, Aspect::Count, cut.to_string());

        let tail = self.cast(End::Google, &draft);
        let title = format!("{} goes on", tail.name);
        let stamp = if draft.all_day {
            start.strftime("%Y%m%d").to_string()
        } else {
            berlin(start).strftime("%Y%m%dT%H%M%S").to_string()
        };
        let mut body = times(start, draft.all_day);
        body["id"] = json!(format!("{}_R{stamp}", there.id));
        body["summary"] = json!(title);
        body["colorId"] = json!("7");
        body["extendedProperties"] = json!({ "private": { "chaos": tail.name } });
        body["recurrence"] = json!([rule(&draft).unwrap()]);
        self.person().plant(TARGET, body).unwrap();
        self.events.push(tail);
        let at = self.events.len() - 1;
        self.note(at, End::Google, Slot::Whole, Aspect::Title, title);
        Some(())
    }

    async fn delete(&mut self, at: usize, end: End) -> Option<()> {
        let name = self.events[at].name.clone();
        match end {
            End::Caldav => {
                let held = self.place.find(&name).await?;
                if !self.place.discard(&held).await {
                    return None;
                }
            }
            End::Google => {
                let id = self.at_google(&name)?.id;
                self.person().delete(TARGET, &id).ok()?;
            }
        }
        self.note(at, end, Slot::Whole, Aspect::Gone, "deleted".to_owned());
        if self.way.hears(end, self.events[at].origin) {
            self.events[at].retired = true;
        }
        Some(())
    }

    /// An occurrence, not the first, that nobody called off.
    fn occurrence(&mut self, at: usize) -> Option<(i64, Event)> {
        let event = self.events[at].clone();
        let open: Vec<i64> = (1..event.count)
            .filter(|nth| !event.called_off(*nth))
            .collect();
        (!open.is_empty()).then(|| (*self.dice.pick(&open), event))
    }

    /// Reads an object, edits it, stores it; again when somebody was quicker.
    async fn rewrite<T>(
        &mut self,
        name: &str,
        mut edit: impl FnMut(&mut Object) -> Option<T>,
    ) -> Option<T> {
        for _ in 0..200 {
            let mut held = self.place.find(name).await?;
            let done = edit(&mut held.object)?;
            if self.place.save(&held).await {
                return Some(done);
            }
        }
        panic!("{name} changes whenever somebody wants to change it");
    }

    fn person(&self) -> Person<'_> {
        self.stage.google.as_user(ACCOUNT)
    }

    /// The event or master of this name at Google.
    fn at_google(&self, name: &str) -> Option<There> {
        let events = self.stage.events();
        let exceptions = |id: &Value| {
            let mut all = events.iter();
            all.any(|event| &event["recurringEventId"] == id)
        };
        let found = events.iter().find(|event| {
            event["status"] != "cancelled"
                && event.get("recurringEventId").is_none()
                && event["summary"]
                    .as_str()
                    .is_some_and(|title| title.split(' ').next() == Some(name))
        })?;
        Some(There {
            id: found["id"].as_str()?.to_owned(),
            start: wall(&found["start"])?,
            all_day: found["start"].get("date").is_some(),
            is_plain: !exceptions(&found["id"]),
        })
    }

    fn instance(&self, there: &There, every: i64, nth: i64) -> Option<Value> {
        let original = there.start.checked_add((nth * every).days()).unwrap();
        let all = self.person().instances(TARGET, &there.id, &[]).ok()?;
        let items = all["items"].as_array()?.clone();
        let mut items = items.into_iter();
        items.find(|item| wall(&item["originalStartTime"]) == Some(original))
    }
}

/// An event as a person finds it at Google.
struct There {
    id: String,
    /// In Berlin, or a day's midnight.
    start: DateTime,
    all_day: bool,
    /// Without exceptions.
    is_plain: bool,
}
