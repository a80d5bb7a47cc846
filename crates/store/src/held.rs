//! What the guards hold back, and a person's answer to it. What an answer means is the engine's
//! [`MappingState`]; the run that carries it out finds it there.

use rusqlite::{Connection, params};
use sync_engine::guard::Held;
use sync_engine::model::{MappingId, PlanId};
use sync_engine::ports::store::MappingState;

use crate::convert::{from_json, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::intents::mapping_state;

impl Db {
    /// What the guards of all mappings hold back, mapping by mapping.
    pub async fn held(&self) -> Result<Vec<(MappingId, Held)>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT mapping_id, state FROM mapping_state \
                 WHERE json_array_length(state, '$.held') > 0 ORDER BY mapping_id",
            )?;
            let mut rows = statement.query([])?;
            let mut held = Vec::new();
            while let Some(row) = rows.next()? {
                let mapping = MappingId::new(row.get::<_, String>(0)?);
                let state: MappingState = from_json("mapping state", &row.get::<_, String>(1)?)?;
                held.extend(state.held.into_iter().map(|held| (mapping.clone(), held)));
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
        self.write(move |conn| answer(conn, &mapping, &plan, MappingState::approve))
            .await
    }

    /// A person wants what is held put back on the side it vanished from, exactly this content: the
    /// next run does it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the mapping holds something else by now, or nothing.
    pub async fn restore_held(&self, mapping: &MappingId, plan: &PlanId) -> Result<(), StoreError> {
        let (mapping, plan) = (mapping.clone(), plan.clone());
        self.write(move |conn| answer(conn, &mapping, &plan, MappingState::restore))
            .await
    }
}

fn answer(
    conn: &Connection,
    mapping: &MappingId,
    plan: &PlanId,
    say: fn(&mut MappingState, &PlanId) -> bool,
) -> Result<(), StoreError> {
    let mut state = mapping_state(conn, mapping)?;
    if !say(&mut state, plan) {
        return Err(StoreError::not_found("held plan", plan.as_str()));
    }
    conn.execute(
        "UPDATE mapping_state SET state = ?2 WHERE mapping_id = ?1",
        params![mapping.as_str(), to_json("mapping state", &state)?],
    )?;
    Ok(())
}
