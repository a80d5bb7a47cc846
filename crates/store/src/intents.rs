//! Intents and what settles them, and what a mapping's plans remember between runs.

use rusqlite::{Connection, OptionalExtension as _, params};
use sync_engine::guard::Held;
use sync_engine::model::{MappingId, PlanId, RunId};
use sync_engine::ports::store::{Intent, MappingState, Marks, Settlement};

use crate::convert::{from_json, integer, micros, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::mappings;
use crate::mirror::record::record;
use crate::rows;
use crate::runs;

impl Db {
    /// What the guards of all mappings hold back.
    pub async fn held(&self) -> Result<Vec<(MappingId, Held)>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT mapping_id, state FROM mapping_state \
                 WHERE json_type(state, '$.held') = 'object' ORDER BY mapping_id",
            )?;
            let mut rows = statement.query([])?;
            let mut held = Vec::new();
            while let Some(row) = rows.next()? {
                let mapping: String = row.get(0)?;
                let state: MappingState = from_json("mapping state", &row.get::<_, String>(1)?)?;
                held.extend(state.held.map(|held| (MappingId::new(mapping), held)));
            }
            Ok(held)
        })
        .await
    }

    /// A person approves what is held, exactly this content: the next run carries it out.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the mapping holds something else by now, or nothing.
    pub async fn approve(&self, mapping: &MappingId, plan: &PlanId) -> Result<(), StoreError> {
        let (mapping, plan) = (mapping.clone(), plan.clone());
        self.write(move |conn| {
            let mut state = mapping_state(conn, &mapping)?;
            if state.held.as_ref().is_none_or(|held| held.id != plan) {
                return Err(StoreError::not_found("held plan", plan.as_str()));
            }
            state.approved = Some(plan);
            conn.execute(
                "UPDATE mapping_state SET state = ?2 WHERE mapping_id = ?1",
                params![mapping.as_str(), to_json("mapping state", &state)?],
            )?;
            Ok(())
        })
        .await
    }
}

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
    Ok(())
}

pub(crate) fn planned(
    conn: &Connection,
    mapping: &MappingId,
    upto: Marks,
    mut state: MappingState,
) -> Result<(), StoreError> {
    // A person may have approved while the run was under way, which then knows nothing of it. What
    // is still held after the plan was not carried out, so that approval is not spent.
    if state.approved.is_none() {
        let stored = mapping_state(conn, mapping)?.approved;
        state.approved =
            stored.filter(|approved| state.held.as_ref().is_some_and(|held| held.id == *approved));
    }
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
