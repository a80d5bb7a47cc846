//! Intents and what settles them, and what a mapping's plans remember between runs.

use rusqlite::{Connection, OptionalExtension as _, params};
use sync_engine::model::{MappingId, RunId};
use sync_engine::ports::store::{Intent, MappingState, Marks, Settlement};

use crate::conflicts;
use crate::convert::{from_json, integer, micros, to_json};
use crate::error::StoreError;
use crate::mappings;
use crate::mirror::record::record;
use crate::rows;
use crate::runs;

pub(crate) fn open(conn: &Connection, mapping: &MappingId) -> Result<Vec<Intent>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT body FROM sync_intent WHERE mapping_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([mapping.as_str()])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        open.push(from_json("intent", &row.get::<_, String>(0)?)?);
    }
    Ok(open)
}

pub(crate) fn intend(
    conn: &Connection,
    mapping: &MappingId,
    intent: &Intent,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO sync_intent (mapping_id, id, run_id, at, body) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (mapping_id, id) DO UPDATE SET run_id = excluded.run_id, at = excluded.at, \
         body = excluded.body",
    )?
    .execute(params![
        mapping.as_str(),
        intent.id.as_str(),
        intent.run.as_str(),
        micros(intent.at),
        to_json("intent", intent)?
    ])?;
    Ok(())
}

pub(crate) fn settle(
    conn: &Connection,
    mapping: &MappingId,
    run: &RunId,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    // Rows would notice a mapping that is gone, but a settlement may have none.
    mappings::must_exist(conn, mapping.as_str())?;
    for change in &settlement.rows {
        rows::change(conn, mapping.as_str(), change)?;
    }
    if let Some((calendar, reading)) = &settlement.caldav {
        record(conn, calendar, reading)?;
    }
    if let Some((calendar, reading)) = &settlement.google {
        record(conn, calendar, reading)?;
    }
    runs::add_events(conn, mapping.as_str(), run.as_str(), &settlement.events)?;
    if let Some(intent) = &settlement.intent {
        conn.prepare_cached("DELETE FROM sync_intent WHERE mapping_id = ?1 AND id = ?2")?
            .execute([mapping.as_str(), intent.as_str()])?;
    }
    conflicts::settle(conn, mapping, run, settlement)
}

pub(crate) fn planned(
    conn: &Connection,
    mapping: &MappingId,
    upto: Marks,
    state: MappingState,
) -> Result<(), StoreError> {
    let state = state.over(&mapping_state(conn, mapping)?);
    conn.prepare_cached(
        "INSERT INTO mapping_state (mapping_id, caldav_mark, google_mark, state) \
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT (mapping_id) DO UPDATE SET \
         caldav_mark = excluded.caldav_mark, google_mark = excluded.google_mark, \
         state = excluded.state",
    )?
    .execute(params![
        mapping.as_str(),
        integer(upto.caldav),
        integer(upto.google),
        to_json("mapping state", &state)?
    ])?;
    Ok(())
}

pub(crate) fn mapping_state(
    conn: &Connection,
    mapping: &MappingId,
) -> Result<MappingState, StoreError> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM mapping_state WHERE mapping_id = ?1")?
        .query_row([mapping.as_str()], |row| row.get(0))
        .optional()?;
    match state {
        Some(state) => from_json("mapping state", &state),
        None => Ok(MappingState::default()),
    }
}
