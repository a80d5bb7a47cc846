//! Conflicts on record, and people's answers until a run has carried them out.
//!
//! An id stands for a pair of versions. The store does not rely on two mappings never having the
//! same: by id alone, the newest is found, an open one before all others.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::conflict::{Conflict, Decision, Keep};
use sync_engine::model::{ConflictId, MappingId, RunId};
use sync_engine::ports::store::Settlement;

use crate::convert::{from_json, from_word, maybe_timestamp, micros, timestamp, to_json, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::records::{ConflictPage, ConflictRecord, ConflictStatus};

/// Reads every column that [`record`] wants.
const SELECT: &str =
    "SELECT mapping_id, detected_at, decided_at, status, body, decision, seq FROM conflict";

impl Db {
    /// Conflicts, newest first, of one mapping or all, of one status or both, at most `limit` of
    /// them, from before `before`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `before` is no conflict (of that mapping).
    pub async fn conflicts(
        &self,
        mapping: Option<&MappingId>,
        status: Option<ConflictStatus>,
        limit: u32,
        before: Option<&ConflictId>,
    ) -> Result<ConflictPage, StoreError> {
        let mapping = mapping.map(|mapping| mapping.as_str().to_owned());
        let before = before.map(|before| before.as_str().to_owned());
        let status = status.map(|status| to_word("conflict status", &status));
        let status = status.transpose()?;
        self.read(move |conn| {
            let before = match before {
                Some(id) => {
                    let seq: Option<i64> = conn
                        .prepare_cached(
                            "SELECT min(seq) FROM conflict \
                             WHERE id = ?1 AND (?2 IS NULL OR mapping_id = ?2)",
                        )?
                        .query_row(params![id, mapping], |row| row.get(0))?;
                    seq.ok_or_else(|| StoreError::not_found("conflict", &id))?
                }
                None => i64::MAX,
            };
            let mut statement = conn.prepare_cached(&format!(
                "{SELECT} WHERE seq < ?1 AND (?2 IS NULL OR mapping_id = ?2) \
                 AND (?3 IS NULL OR status = ?3) ORDER BY seq DESC LIMIT ?4"
            ))?;
            let limit = i64::from(limit);
            let mut rows = statement.query(params![before, mapping, status, limit + 1])?;
            let mut conflicts = Vec::new();
            while let Some(row) = rows.next()? {
                conflicts.push(record(row)?);
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = conflicts.len() > limit;
            conflicts.truncate(limit);
            let next = if more {
                conflicts.last().map(|last| last.conflict.id.clone())
            } else {
                None
            };
            Ok(ConflictPage { conflicts, next })
        })
        .await
    }

    /// One conflict.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn conflict(&self, id: &ConflictId) -> Result<ConflictRecord, StoreError> {
        let id = id.clone();
        self.read(move |conn| Ok(get(conn, &id)?.1)).await
    }

    /// A person answers an open conflict; the mapping's next run carries it out. Until then it may
    /// be answered anew. Returns the conflict as it is on record now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::AlreadyDecided`] when it waits for nobody.
    pub async fn decide_conflict(
        &self,
        id: &ConflictId,
        keep: Keep,
    ) -> Result<ConflictRecord, StoreError> {
        let id = id.clone();
        self.write(move |conn| {
            let (seq, mut record) = get(conn, &id)?;
            if record.status == ConflictStatus::Decided {
                return Err(StoreError::AlreadyDecided {
                    id: id.as_str().to_owned(),
                });
            }
            conn.execute(
                "UPDATE conflict SET decision = ?2 WHERE seq = ?1",
                params![seq, to_json("decision", &keep)?],
            )?;
            record.decision = Some(keep);
            Ok(record)
        })
        .await
    }
}

/// Answers that no run has carried out yet, oldest conflict first.
pub(crate) fn decisions(
    conn: &Connection,
    mapping: &MappingId,
) -> Result<Vec<Decision>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT body, decision FROM conflict \
         WHERE mapping_id = ?1 AND status = 'open' AND decision IS NOT NULL ORDER BY seq",
    )?;
    let mut rows = statement.query([mapping.as_str()])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        let conflict: Conflict = from_json("conflict", &row.get::<_, String>(0)?)?;
        decisions.push(Decision {
            conflict: conflict.id,
            row: conflict.row,
            keep: from_json("decision", &row.get::<_, String>(1)?)?,
        });
    }
    Ok(decisions)
}

/// What a settlement says of conflicts.
pub(crate) fn settle(
    conn: &Connection,
    mapping: &MappingId,
    run: &RunId,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    if settlement.conflicts.is_empty() && settlement.over.is_empty() {
        return Ok(());
    }
    let at = time(conn, run, settlement)?;
    for conflict in &settlement.conflicts {
        put(conn, mapping, conflict, at)?;
    }
    let mut statement = conn.prepare_cached(
        "UPDATE conflict SET status = 'decided', decided_at = ?3, decision = NULL \
         WHERE mapping_id = ?1 AND id = ?2 AND status = 'open'",
    )?;
    for id in &settlement.over {
        if settlement.veils {
            veil(conn, mapping, id)?;
        }
        statement.execute(params![mapping.as_str(), id.as_str(), at])?;
    }
    Ok(())
}

/// Takes the texts of an open conflict off the record.
fn veil(conn: &Connection, mapping: &MappingId, id: &ConflictId) -> Result<(), StoreError> {
    let open: Option<String> = conn
        .prepare_cached(
            "SELECT body FROM conflict WHERE mapping_id = ?1 AND id = ?2 AND status = 'open'",
        )?
        .query_row([mapping.as_str(), id.as_str()], |row| row.get(0))
        .optional()?;
    let Some(body) = open else {
        return Ok(());
    };
    let mut conflict: Conflict = from_json("conflict", &body)?;
    conflict.veil();
    conn.prepare_cached(
        "UPDATE conflict SET body = ?3 WHERE mapping_id = ?1 AND id = ?2 AND status = 'open'",
    )?
    .execute(params![
        mapping.as_str(),
        id.as_str(),
        to_json("conflict", &conflict)?
    ])?;
    Ok(())
}

/// Puts a conflict in place of any of its id. When it was first detected, and first decided, stays;
/// an answer stays as long as it is open.
fn put(
    conn: &Connection,
    mapping: &MappingId,
    conflict: &Conflict,
    at: i64,
) -> Result<(), StoreError> {
    let decided = conflict.winner.is_some();
    let status = if decided {
        ConflictStatus::Decided
    } else {
        ConflictStatus::Open
    };
    conn.prepare_cached(
        "INSERT INTO conflict (id, mapping_id, row_key, uid, status, policy, detected_at, \
         decided_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (mapping_id, id) DO UPDATE SET \
         row_key = excluded.row_key, uid = excluded.uid, status = excluded.status, \
         policy = excluded.policy, body = excluded.body, \
         decided_at = CASE excluded.status WHEN 'open' THEN NULL \
           ELSE coalesce(conflict.decided_at, excluded.decided_at) END, \
         decision = CASE excluded.status WHEN 'open' THEN conflict.decision END",
    )?
    .execute(params![
        conflict.id.as_str(),
        mapping.as_str(),
        conflict.row.as_str(),
        conflict.uid.as_str(),
        to_word("conflict status", &status)?,
        to_word("conflict policy", &conflict.policy)?,
        at,
        decided.then_some(at),
        to_json("conflict", conflict)?,
    ])?;
    Ok(())
}

/// When a settlement happened, as far as it says so: its newest event or reading, else its run's
/// beginning.
fn time(conn: &Connection, run: &RunId, settlement: &Settlement) -> Result<i64, StoreError> {
    let caldav = settlement.caldav.iter().map(|(_, reading)| reading.at);
    let google = settlement.google.iter().map(|(_, reading)| reading.at);
    let events = settlement.events.iter().map(|event| event.at);
    if let Some(latest) = caldav.chain(google).chain(events).max() {
        return Ok(micros(latest));
    }
    let began: Option<i64> = conn
        .prepare_cached("SELECT started_at FROM run WHERE id = ?1")?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?;
    Ok(began.unwrap_or_else(|| micros(Timestamp::UNIX_EPOCH)))
}

fn get(conn: &Connection, id: &ConflictId) -> Result<(i64, ConflictRecord), StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "{SELECT} WHERE id = ?1 ORDER BY status = 'open' DESC, seq DESC LIMIT 1"
    ))?;
    let mut rows = statement.query([id.as_str()])?;
    match rows.next()? {
        Some(row) => Ok((row.get(6)?, record(row)?)),
        None => Err(StoreError::not_found("conflict", id.as_str())),
    }
}

fn record(row: &Row<'_>) -> Result<ConflictRecord, StoreError> {
    Ok(ConflictRecord {
        mapping: MappingId::new(row.get::<_, String>(0)?),
        detected_at: timestamp(row.get(1)?)?,
        decided_at: maybe_timestamp(row.get(2)?)?,
        status: from_word("conflict status", &row.get::<_, String>(3)?)?,
        conflict: from_json("conflict", &row.get::<_, String>(4)?)?,
        decision: row
            .get::<_, Option<String>>(5)?
            .map(|keep| from_json("decision", &keep))
            .transpose()?,
    })
}
