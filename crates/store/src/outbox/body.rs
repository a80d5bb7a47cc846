//! What a webhook is told, as JSON. The names and shapes are promises to other programs.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::EventRecord;

use crate::records::{Direction, Run, RunState};

/// Most events in one body.
const EVENTS: usize = 500;

/// A run that has ended, with its events. Titles are as the target shows them: the engine's record
/// of an event holds no others.
pub(super) fn of_run(run: &Run) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("run_id", json!(run.id.as_str()));
    put("mapping_id", json!(run.mapping.as_str()));
    put("direction", json!(run.direction.arrow()));
    put("status", json!(run.state));
    put(
        "timestamp",
        json!(run.finished_at.unwrap_or(run.started_at)),
    );
    for (key, count) in [
        ("inserted", run.inserted),
        ("updated", run.updated),
        ("deleted", run.deleted),
        ("failed", run.failed),
        ("deferred", run.deferred),
        ("held", run.held),
        ("conflicts", run.conflicts),
    ] {
        put(key, json!(count));
    }
    let events: Vec<Value> = run.events.iter().take(EVENTS).map(event).collect();
    put("events", Value::Array(events));
    if run.events.len() > EVENTS {
        put("truncated", json!(true));
    }
    if let Some(error) = &run.error {
        put(
            "error",
            json!({"code": error.code, "detail": error.detail, "action": error.action}),
        );
    }
    Value::Object(body)
}

/// What a person sends to see whether it arrives: shaped like a run, and marked.
pub(super) fn of_test(at: Timestamp) -> Value {
    json!({
        "test": true,
        "mapping_id": "test",
        "direction": Direction::CaldavToGoogle.arrow(),
        "status": RunState::Success,
        "timestamp": at,
        "inserted": 1, "updated": 0, "deleted": 0,
        "failed": 0, "deferred": 0, "held": 0, "conflicts": 0,
        "events": [{"uid": "test", "summary": "Test of the webhook", "action": "inserted"}],
    })
}

fn event(event: &EventRecord) -> Value {
    let action = if event.error.is_some() {
        "failed"
    } else {
        match event.action {
            ActionKind::Insert => "inserted",
            ActionKind::Update => "updated",
            ActionKind::Delete => "deleted",
        }
    };
    json!({"uid": event.uid.as_str(), "summary": event.summary, "action": action})
}

#[cfg(test)]
mod tests {
    use sync_engine::model::{MappingId, RunId, Side, Uid};
    use sync_engine::plan::operation::Reason;
    use sync_engine::report::Problem;

    use super::*;

    fn problem() -> Problem {
        Problem {
            code: "refused".to_owned(),
            detail: "It was refused.".to_owned(),
            action: "Look at it.".to_owned(),
            side: Some(Side::Google),
        }
    }

    fn record(uid: &str, action: ActionKind, failed: bool) -> EventRecord {
        EventRecord {
            uid: Uid::new(uid),
            recurrence_id: Some("2025-07-29".to_owned()),
            summary: "Team Meeting".to_owned(),
            side: Side::Google,
            action,
            reason: Reason::New,
            changes: Vec::new(),
            error: failed.then(problem),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn run(direction: Direction, state: RunState, events: Vec<EventRecord>) -> Run {
        Run {
            id: RunId::new("run_1"),
            mapping: MappingId::new("abc123"),
            direction,
            state,
            started_at: "2025-07-29T20:59:58Z".parse().unwrap(),
            finished_at: Some("2025-07-29T21:00:00Z".parse().unwrap()),
            inserted: 3,
            updated: 1,
            deleted: 2,
            failed: 4,
            deferred: 5,
            held: 6,
            conflicts: 7,
            warnings: Vec::new(),
            events,
            error: None,
        }
    }

    #[test]
    fn s17_the_body_of_every_direction_and_status() {
        let events = || {
            vec![
                record("event123", ActionKind::Insert, false),
                record("b", ActionKind::Update, false),
                record("c", ActionKind::Delete, false),
                record("d", ActionKind::Insert, true),
            ]
        };
        for (direction, arrow) in [
            (Direction::CaldavToGoogle, "CalDAV → Google"),
            (Direction::GoogleToCaldav, "Google → CalDAV"),
            (Direction::Bidirectional, "Bidirectional"),
        ] {
            for (state, word) in [
                (RunState::Success, "success"),
                (RunState::PartialFailure, "partial_failure"),
                (RunState::Failure, "failure"),
            ] {
                assert_eq!(
                    of_run(&run(direction, state, events())),
                    json!({
                        "run_id": "run_1", "mapping_id": "abc123", "direction": arrow,
                        "status": word, "timestamp": "2025-07-29T21:00:00Z",
                        "inserted": 3, "updated": 1, "deleted": 2,
                        "failed": 4, "deferred": 5, "held": 6, "conflicts": 7,
                        "events": [
                            {"uid": "event123", "summary": "Team Meeting", "action": "inserted"},
                            {"uid": "b", "summary": "Team Meeting", "action": "updated"},
                            {"uid": "c", "summary": "Team Meeting", "action": "deleted"},
                            {"uid": "d", "summary": "Team Meeting", "action": "failed"},
                        ],
                    })
                );
            }
        }
    }

    #[test]
    fn a_run_that_broke_off_says_why() {
        let broken = Run {
            error: Some(problem()),
            ..run(Direction::Bidirectional, RunState::Failure, Vec::new())
        };
        let body = of_run(&broken);
        assert_eq!(body["events"], json!([]));
        assert_eq!(
            body["error"],
            json!({"code": "refused", "detail": "It was refused.", "action": "Look at it."})
        );
    }

    #[test]
    fn a_long_run_tells_of_500_events() {
        let of = |count: usize| {
            let events = (0..count).map(|number| {
                let uid = format!("e{number}");
                record(&uid, ActionKind::Insert, false)
            });
            of_run(&run(
                Direction::CaldavToGoogle,
                RunState::Success,
                events.collect(),
            ))
        };
        let whole = of(500);
        assert_eq!(whole["events"].as_array().unwrap().len(), 500);
        assert_eq!(whole.get("truncated"), None);
        let cut = of(501);
        assert_eq!(cut["events"].as_array().unwrap().len(), 500);
        assert_eq!(cut["truncated"], true);
    }

    #[test]
    fn a_test_has_every_member_of_a_run() {
        let test = of_test(Timestamp::UNIX_EPOCH);
        let run = of_run(&run(
            Direction::Bidirectional,
            RunState::Success,
            Vec::new(),
        ));
        for member in run.as_object().unwrap().keys() {
            if member != "run_id" {
                assert!(test.get(member).is_some(), "{member} is missing");
            }
        }
        assert_eq!(test["test"], true);
    }
}
