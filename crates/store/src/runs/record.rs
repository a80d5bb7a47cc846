//! A run's record, written: its beginning, its events, its end. Within a transaction of the caller.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::model::{MappingId, RunId};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::{EventRecord, Problem, RunReport};

use crate::convert::{
    from_json, from_word, maybe_timestamp, micros, small_count, timestamp, to_json, to_word,
};
use crate::error::StoreError;
use crate::mappings;
use crate::outbox;
use crate::records::{Direction, Run, RunState};

/// Reads every column that [`run`] wants.
pub(super) const SELECT: &str = "SELECT id, mapping_id, direction, status, started_at, finished_at, \
     inserted, updated, deleted, failed, deferred, held, conflicts, warnings, error, seq FROM run";

/// Puts a run on record as running.
pub(super) fn begin(
    conn: &Connection,
    id: &str,
    mapping: &str,
    direction: Direction,
    now: Timestamp,
) -> Result<(), StoreError> {
    conn.execute(
        "INSERT INTO run (id, mapping_id, direction, status, started_at) \
         VALUES (?1, ?2, ?3, 'running', ?4)",
        params![id, mapping, to_word("direction", &direction)?, micros(now)],
    )?;
    Ok(())
}

/// Adds events to a run's record and the history.
pub(crate) fn add_events(
    conn: &Connection,
    mapping: &str,
    run: &str,
    events: &[EventRecord],
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO run_event (run_id, mapping_id, uid, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for event in events {
        statement.execute(params![
            run,
            mapping,
            event.uid.as_str(),
            micros(event.at),
            to_json("event record", event)?
        ])?;
    }
    Ok(())
}

/// Ends a run: its report, the events in it that were not settled one by one, its message.
pub(crate) fn finish(
    conn: &Connection,
    mapping: &str,
    report: &RunReport,
) -> Result<(), StoreError> {
    let id = report.id.as_str();
    let known = conn
        .query_row("SELECT 1 FROM run WHERE id = ?1", [id], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        let direction = mappings::get(conn, mapping)?.settings.direction;
        begin(conn, id, mapping, direction, report.started_at)?;
    }
    if events(conn, id)? != report.events {
        conn.execute("DELETE FROM run_event WHERE run_id = ?1", [id])?;
        add_events(conn, mapping, id, &report.events)?;
    }
    let error = report
        .error
        .as_ref()
        .map(|error| to_json("problem", error))
        .transpose()?;
    conn.execute(
        "UPDATE run SET status = ?2, started_at = ?3, finished_at = ?4, inserted = ?5, \
         updated = ?6, deleted = ?7, failed = ?8, deferred = ?9, held = ?10, conflicts = ?11, \
         warnings = ?12, error = ?13 WHERE id = ?1",
        params![
            id,
            to_word("run status", &RunState::from(report.status))?,
            micros(report.started_at),
            micros(report.finished_at),
            report.inserted,
            report.updated,
            report.deleted,
            report.failed,
            report.deferred,
            report.held,
            report.conflicts,
            to_json("warnings", &report.warnings)?,
            error,
        ],
    )?;
    let mut run = get(conn, id)?;
    run.events.clone_from(&report.events);
    outbox::enqueue(conn, &run, report.finished_at)
}

/// Ends a run that a crash left open, with what it had settled until then.
pub(super) fn interrupt(conn: &Connection, mut run: Run, now: Timestamp) -> Result<(), StoreError> {
    let id = run.id.as_str().to_owned();
    run.events = events(conn, &id)?;
    run.state = RunState::Failure;
    run.finished_at = Some(now);
    for event in &run.events {
        *match (&event.error, event.action) {
            (Some(_), _) => &mut run.failed,
            (None, ActionKind::Insert) => &mut run.inserted,
            (None, ActionKind::Update) => &mut run.updated,
            (None, ActionKind::Delete) => &mut run.deleted,
        } += 1;
    }
    let problem = Problem {
        code: "interrupted".to_owned(),
        detail: "The program was stopped while this run was under way.".to_owned(),
        action: "Nothing: the next run finishes what this one began.".to_owned(),
        side: None,
    };
    conn.execute(
        "UPDATE run SET status = 'failure', finished_at = ?2, inserted = ?3, updated = ?4, \
         deleted = ?5, failed = ?6, error = ?7 WHERE id = ?1",
        params![
            id,
            micros(now),
            run.inserted,
            run.updated,
            run.deleted,
            run.failed,
            to_json("problem", &problem)?
        ],
    )?;
    run.error = Some(problem);
    outbox::enqueue(conn, &run, now)
}

pub(super) fn events(conn: &Connection, run: &str) -> Result<Vec<EventRecord>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT body FROM run_event WHERE run_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([run])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(from_json("event record", &row.get::<_, String>(0)?)?);
    }
    Ok(events)
}

pub(super) fn get(conn: &Connection, id: &str) -> Result<Run, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => run(row),
        None => Err(StoreError::not_found("run", id)),
    }
}

pub(super) fn by_seq(conn: &Connection, seq: i64) -> Result<Run, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE seq = ?1"))?;
    let mut rows = statement.query([seq])?;
    match rows.next()? {
        Some(row) => run(row),
        None => Err(StoreError::not_found("run", &seq.to_string())),
    }
}

pub(super) fn run(row: &Row<'_>) -> Result<Run, StoreError> {
    let number = |at: usize| Ok::<_, StoreError>(small_count(row.get(at)?));
    Ok(Run {
        id: RunId::new(row.get::<_, String>(0)?),
        mapping: MappingId::new(row.get::<_, String>(1)?),
        direction: from_word("direction", &row.get::<_, String>(2)?)?,
        state: from_word("run status", &row.get::<_, String>(3)?)?,
        started_at: timestamp(row.get(4)?)?,
        finished_at: maybe_timestamp(row.get(5)?)?,
        inserted: number(6)?,
        updated: number(7)?,
        deleted: number(8)?,
        failed: number(9)?,
        deferred: number(10)?,
        held: number(11)?,
        conflicts: number(12)?,
        warnings: from_json("warnings", &row.get::<_, String>(13)?)?,
        events: Vec::new(),
        error: row
            .get::<_, Option<String>>(14)?
            .map(|error| from_json("problem", &error))
            .transpose()?,
    })
}
