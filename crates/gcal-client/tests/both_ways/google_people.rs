//! People who edit the Google calendar, as Google's own interface lets them.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::google::{DEFAULT_ACCOUNT, Person};
use sync_engine::mapping::Direction;
use sync_engine::model::Side;

use super::dice::Dice;
use super::secrets;
use super::world::{Both, tell};

const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "UTC",
];

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Start and end of a new event.
fn times(dice: &mut Dice) -> Value {
    let day = dice.day();
    if dice.one_in(4) {
        let end = day + (1 + i64::from(dice.small(2))).days();
        return json!({"start": {"date": day.to_string(), "dateTime": null, "timeZone": null},
                      "end": {"date": end.to_string(), "dateTime": null, "timeZone": null}});
    }
    let (hour, zone) = (dice.hour(), *dice.pick(&ZONES));
    let at = |hour: u64| json!({"dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": zone, "date": null});
    let length = u64::from(!dice.one_in(8));
    json!({"start": at(hour), "end": at(hour + length)})
}

fn rule(dice: &mut Dice) -> Option<Value> {
    let rules = [
        "RRULE:FREQ=DAILY;COUNT=6",
        "RRULE:FREQ=WEEKLY",
        "RRULE:FREQ=DAILY;INTERVAL=2;COUNT=5",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "RRULE:FREQ=DAILY;COUNT=4",
    ];
    (!dice.one_in(3)).then(|| json!([*dice.pick(&rules)]))
}

fn over(base: &mut Value, other: &Value) {
    if let (Some(base), Some(other)) = (base.as_object_mut(), other.as_object()) {
        base.extend(other.clone());
    }
}

struct Hands<'a> {
    both: &'a Both,
    person: Person<'a>,
}

impl Hands<'_> {
    fn makes(&self, body: &Value) {
        if let Ok(made) = self.person.insert(DEFAULT_ACCOUNT, body.clone()) {
            tell(&format!("Google makes {} {body}", made["id"]));
            self.both.google_made(&word(&made, "id"));
        }
    }

    fn plants(&self, body: &Value) {
        if let Ok(made) = self.person.plant(DEFAULT_ACCOUNT, body.clone()) {
            tell(&format!("Google shows {} {body}", made["id"]));
            self.both.google_made(&word(&made, "id"));
        }
    }

    fn changes(&self, id: &str, body: &Value) {
        let done = self.person.patch(DEFAULT_ACCOUNT, id, body.clone());
        tell(&format!("Google changes {id} {body}: {}", done.is_ok()));
        self.both.ledger.lock().unwrap().edits += 1;
    }

    fn deletes(&self, id: &str) {
        self.both.google_deleted(id);
        let done = self.person.delete(DEFAULT_ACCOUNT, id);
        tell(&format!("Google deletes {id}: {}", done.is_ok()));
    }

    fn instances(&self, id: &str) -> Vec<Value> {
        let query = [("maxResults", "6")];
        let list = self.person.instances(DEFAULT_ACCOUNT, id, &query);
        let items = list.ok().and_then(|list| list["items"].as_array().cloned());
        items.unwrap_or_default()
    }
}

/// A person does something at Google.
pub(crate) fn edit(dice: &mut Dice, both: &Both) {
    dice.pen = secrets::pen(Side::Google);
    let hands = Hands {
        both,
        person: both.world.sim.as_user(DEFAULT_ACCOUNT),
    };
    let all = both.google_events();
    let alive: Vec<&Value> = all
        .iter()
        .filter(|event| event["status"] != "cancelled")
        .collect();
    let is_source = both.mapping.direction != Direction::CaldavToGoogle;
    if is_source && (alive.len() < 3 || dice.one_in(8)) {
        return new(dice, &hands);
    }
    if alive.is_empty() {
        return;
    }
    let event = *dice.pick(&alive);
    let id = word(event, "id");
    if !is_source {
        return meddle(dice, &hands, event, &id);
    }
    let is_exception = !event["recurringEventId"].is_null();
    // A copy of one occurrence may be edited, but not made a series: no side could hold that.
    let stands_alone = event["extendedProperties"]["private"]["caldav-sync"]
        .as_str()
        .is_some_and(|tag| tag.split(';').count() > 4);
    match dice.roll(17) {
        0 => hands.deletes(&id),
        1 | 2 => hands.changes(&id, &json!({"summary": dice.title()})),
        3 => {
            let html = format!("<b>{}</b><br>two &amp; three", dice.title());
            hands.changes(&id, &json!({"description": html}));
        }
        4 => {
            let bodies = [
                json!({"location": format!("{}Here", dice.pen)}),
                json!({"location": null}),
                json!({"transparency": "transparent"}),
                json!({"transparency": "opaque"}),
                json!({"status": "tentative"}),
                json!({"status": "confirmed"}),
                json!({"colorId": "7"}),
                json!({"reminders": {"useDefault": false}}),
            ];
            hands.changes(&id, dice.pick(&bodies));
        }
        5 => hands.changes(&id, &times(dice)),
        6 if !is_exception => moved(dice, &hands, event, &id),
        7 if !is_exception && !stands_alone => {
            let mut body = json!({"recurrence": rule(dice)});
            if dice.one_in(3) {
                over(&mut body, &times(dice));
            }
            hands.changes(&id, &body);
        }
        8 => {
            // A duplicate takes every property along.
            let mut body = times(dice);
            over(
                &mut body,
                &json!({"summary": event["summary"], "recurrence": event["recurrence"],
                        "extendedProperties": event["extendedProperties"]}),
            );
            hands.makes(&body);
        }
        9 if !event["recurrence"].is_null() => this_and_following(dice, &hands, event, &id),
        10 => restored(dice, &hands, &all),
        11 if dice.one_in(4) => {
            hands.changes(&id, &json!({"attendees": [{"email": "bob@example.com"}]}));
        }
        _ => instance(dice, &hands, event, &id),
    }
}

/// A person says that an event or an instance is private, or that it is not any more.
pub(crate) fn classify(dice: &mut Dice, both: &Both) {
    let hands = Hands {
        both,
        person: both.world.sim.as_user(DEFAULT_ACCOUNT),
    };
    let mut all = both.google_events();
    all.retain(|event| event["status"] != "cancelled");
    if all.is_empty() {
        return;
    }
    let event = dice.pick(&all);
    let visibility = match event["visibility"].as_str() {
        Some("private") => "default",
        _ => "private",
    };
    hands.changes(&word(event, "id"), &json!({"visibility": visibility}));
}

fn new(dice: &mut Dice, hands: &Hands<'_>) {
    let mut body = times(dice);
    over(
        &mut body,
        &json!({"summary": dice.title(), "recurrence": rule(dice)}),
    );
    if !dice.one_in(9) {
        return hands.makes(&body);
    }
    let extra = [
        json!({"eventType": "fromGmail"}),
        json!({"eventType": "focusTime"}),
        json!({"locked": true}),
        json!({"visibility": "private"}),
        json!({"organizer": {"email": "bob@example.com"}, "attendees": [
            {"email": "bob@example.com", "responseStatus": "accepted"},
            {"email": DEFAULT_ACCOUNT, "responseStatus": "declined"}]}),
        json!({"organizer": {"email": "bob@example.com"}, "attendees": [
            {"email": "bob@example.com", "responseStatus": "accepted"},
            {"email": DEFAULT_ACCOUNT, "responseStatus": "accepted"}]}),
    ];
    over(&mut body, dice.pick(&extra));
    hands.plants(&body);
}

/// Somebody meddles with what this program wrote there.
fn meddle(dice: &mut Dice, hands: &Hands<'_>, event: &Value, id: &str) {
    match dice.roll(4) {
        0 => hands.deletes(id),
        1 => hands.changes(id, &json!({"summary": "By hand"})),
        _ => {
            let items = hands.instances(id);
            if items.is_empty() || event["recurrence"].is_null() {
                return;
            }
            let instance = word(dice.pick(&items), "id");
            if dice.one_in(2) {
                hands.deletes(&instance);
            } else {
                hands.changes(&instance, &json!({"summary": "Once by hand"}));
            }
        }
    }
}

/// The whole of it, some hours or days later.
fn moved(dice: &mut Dice, hands: &Hands<'_>, event: &Value, id: &str) {
    let hours = 1 + i64::from(dice.small(4));
    let later = |edge: &Value| {
        if let Some(date) = edge["date"].as_str() {
            let date: Date = date.parse().unwrap();
            return json!({"date": (date + (hours % 3).days()).to_string()});
        }
        let at: Timestamp = word(edge, "dateTime").parse().unwrap();
        json!({"dateTime": (at + SignedDuration::from_hours(hours)).to_string(),
               "timeZone": edge["timeZone"]})
    };
    let body = json!({"start": later(&event["start"]), "end": later(&event["end"])});
    hands.changes(id, &body);
}

/// One occurrence of a series is changed, moved, called off or given back.
fn instance(dice: &mut Dice, hands: &Hands<'_>, event: &Value, id: &str) {
    if event["recurrence"].is_null() {
        return;
    }
    let items = hands.instances(id);
    if items.is_empty() {
        return;
    }
    let instance = word(dice.pick(&items), "id");
    match dice.roll(6) {
        0 | 1 => hands.changes(&instance, &json!({"summary": dice.title()})),
        2 => hands.changes(&instance, &times(dice)),
        3 | 4 => hands.deletes(&instance),
        _ => {
            let all = hands.both.google_events();
            let holes: Vec<String> = all
                .iter()
                .filter(|hole| hole["status"] == "cancelled" && hole["recurringEventId"] == id)
                .map(|hole| word(hole, "id"))
                .collect();
            if !holes.is_empty() {
                hands.changes(
                    &dice.pick::<String>(&holes).clone(),
                    &json!({"status": "confirmed"}),
                );
            }
        }
    }
}

/// A person takes an event out of the bin. What this program threw away stays there.
fn restored(dice: &mut Dice, hands: &Hands<'_>, all: &[Value]) {
    let bin: Vec<String> = all
        .iter()
        .filter(|event| event["status"] == "cancelled" && event["recurringEventId"].is_null())
        .map(|event| word(event, "id"))
        .filter(|id| !id.starts_with("cds1"))
        .collect();
    if bin.is_empty() {
        return;
    }
    let id = dice.pick(&bin);
    let done = hands
        .person
        .patch(DEFAULT_ACCOUNT, id, json!({"status": "confirmed"}));
    tell(&format!("Google restores {id}: {}", done.is_ok()));
    if done.is_ok() {
        hands.both.google_restored(id);
    }
}

/// "This and following": the series ends before, and a new one goes on with every property.
fn this_and_following(dice: &mut Dice, hands: &Hands<'_>, event: &Value, id: &str) {
    let items = hands.instances(id);
    if items.len() < 2 {
        return;
    }
    let nth = 1 + dice.index(items.len() - 1);
    let original = &items[nth]["originalStartTime"];
    if original["date"].is_string() != event["start"]["date"].is_string() {
        // A stray of a time when the series was of the other kind: nothing follows it.
        return;
    }
    let (until, stamp, start, end) = if let Some(date) = original["date"].as_str() {
        let date: Date = date.parse().unwrap();
        let day = |edge: &str| word(&event[edge], "date").parse::<Date>().unwrap();
        let length = day("start").until(day("end")).unwrap();
        (
            date.yesterday().unwrap().strftime("%Y%m%d").to_string(),
            date.strftime("%Y%m%d").to_string(),
            json!({"date": date.to_string()}),
            json!({"date": (date + length).to_string()}),
        )
    } else {
        let at: Timestamp = word(original, "dateTime").parse().unwrap();
        let edge = |edge: &str| word(&event[edge], "dateTime").parse::<Timestamp>().unwrap();
        let end = at + edge("end").duration_since(edge("start"));
        let zone = &event["start"]["timeZone"];
        let before = at - SignedDuration::from_secs(1);
        (
            before.strftime("%Y%m%dT%H%M%SZ").to_string(),
            at.strftime("%Y%m%dT%H%M%S").to_string(),
            json!({"dateTime": at.to_string(), "timeZone": zone}),
            json!({"dateTime": end.to_string(), "timeZone": zone}),
        )
    };
    let lines: Vec<String> = event["recurrence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    let Some(rule) = lines.iter().find(|line| line.starts_with("RRULE:")) else {
        return;
    };
    let parts = || rule.split(';');
    let plain: Vec<&str> = parts()
        .filter(|part| !part.starts_with("COUNT=") && !part.starts_with("UNTIL="))
        .collect();
    let cut = format!("{};UNTIL={until}", plain.join(";"));
    let left: Vec<String> = parts()
        .map(|part| match part.strip_prefix("COUNT=") {
            Some(count) => {
                let count: usize = count.parse().unwrap();
                format!("COUNT={}", count.saturating_sub(nth).max(1))
            }
            None => part.to_owned(),
        })
        .collect();
    let others = lines.iter().filter(|line| !line.starts_with("RRULE:"));
    let kept: Vec<String> = std::iter::once(cut).chain(others.cloned()).collect();
    hands.changes(id, &json!({"recurrence": kept}));
    if dice.one_in(2) {
        // Its own interface clears away what the cut left behind.
        let strays = hands.both.google_events();
        for stray in strays
            .iter()
            .filter(|stray| stray["recurringEventId"] == id && stray["status"] != "cancelled")
        {
            let of = &stray["originalStartTime"];
            let behind = match (of["date"].as_str(), original["date"].as_str()) {
                (Some(a), Some(b)) => a >= b,
                (None, None) => {
                    let at = |v: &Value| word(v, "dateTime").parse::<Timestamp>().unwrap();
                    at(of) >= at(original)
                }
                _ => false,
            };
            if behind {
                hands.deletes(&word(stray, "id"));
            }
        }
    }
    let base = id.split("_R").next().unwrap();
    let next = format!("{base}_R{stamp}");
    let title = if dice.one_in(2) {
        event["summary"].clone()
    } else {
        json!(dice.title())
    };
    hands.plants(&json!({
        "id": next, "iCalUID": format!("{next}@google.com"), "summary": title,
        "description": event["description"], "location": event["location"],
        "start": start, "end": end, "recurrence": [left.join(";")],
        "extendedProperties": event["extendedProperties"],
    }));
}
