//! Runs and what they did, for people: lists, single runs, an event's history, mappings at a
//! glance. The engine's part (events as they are settled, the report) is in `record`.

mod record;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use sync_engine::model::{MappingId, RunId, Uid};
use sync_engine::report::EventRecord;

use crate::attention;
use crate::convert::{count, from_json, maybe_timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::mappings;
use crate::records::{History, HistoryEntry, MappingOverview, Run, RunPage};
use record::{SELECT, begin, by_seq, events, get, interrupt, run};
pub(crate) use record::{add_events, finish};

impl Db {
    /// Puts a run on record as running and names it. The engine's report ends it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a mapping that is not there.
    pub async fn start_run(
        &self,
        mapping: &MappingId,
        now: Timestamp,
    ) -> Result<RunId, StoreError> {
        let (mapping, id) = (mapping.clone(), new_id("run")?);
        self.write(move |conn| {
            let direction = mappings::get(conn, mapping.as_str())?.settings.direction;
            begin(conn, &id, mapping.as_str(), direction, now)?;
            Ok(RunId::new(id))
        })
        .await
    }

    /// Ends every run that a crash left open, as a failure `interrupted`, and tells the webhooks.
    /// To be called once after opening, before any run is started.
    pub async fn end_interrupted_runs(&self, now: Timestamp) -> Result<Vec<RunId>, StoreError> {
        self.write(move |conn| {
            let open: Vec<Run> = {
                let mut statement =
                    conn.prepare(&format!("{SELECT} WHERE finished_at IS NULL ORDER BY seq"))?;
                let mut rows = statement.query([])?;
                let mut open = Vec::new();
                while let Some(row) = rows.next()? {
                    open.push(run(row)?);
                }
                open
            };
            let mut ended = Vec::new();
            for run in open {
                let id = run.id.clone();
                interrupt(conn, run, now)?;
                ended.push(id);
            }
            Ok(ended)
        })
        .await
    }

    /// Runs, newest first, of one mapping or all, at most `limit` of them, from before `before`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `before` is no run.
    pub async fn runs(
        &self,
        mapping: Option<&MappingId>,
        limit: u32,
        before: Option<&RunId>,
    ) -> Result<RunPage, StoreError> {
        let mapping = mapping.map(|mapping| mapping.as_str().to_owned());
        let before = before.map(|before| before.as_str().to_owned());
        self.read(move |conn| {
            let before = match before {
                Some(id) => conn
                    .query_row("SELECT seq FROM run WHERE id = ?1", [&id], |row| row.get(0))
                    .optional()?
                    .ok_or_else(|| StoreError::not_found("run", &id))?,
                None => i64::MAX,
            };
            let mut statement = conn.prepare_cached(&format!(
                "{SELECT} WHERE seq < ?1 AND (?2 IS NULL OR mapping_id = ?2) \
                 ORDER BY seq DESC LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![before, mapping, i64::from(limit) + 1])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(run(row)?);
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = runs.len() > limit;
            runs.truncate(limit);
            let next = if more {
                runs.last().map(|run| run.id.clone())
            } else {
                None
            };
            Ok(RunPage { runs, next })
        })
        .await
    }

    /// One run with its events.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn run(&self, id: &RunId) -> Result<Run, StoreError> {
        let id = id.as_str().to_owned();
        self.read(move |conn| {
            let mut run = get(conn, &id)?;
            run.events = events(conn, &id)?;
            Ok(run)
        })
        .await
    }

    /// What happened to an event, newest first, at most `limit` entries, from before `before`, which is
    /// a page's `next`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `before` is no such thing.
    pub async fn history(
        &self,
        uid: &Uid,
        mapping: Option<&MappingId>,
        limit: u32,
        before: Option<&str>,
    ) -> Result<History, StoreError> {
        const WHOSE: &str = "uid = ?1 AND (?2 IS NULL OR mapping_id = ?2)";
        let uid = uid.as_str().to_owned();
        let mapping = mapping.map(|mapping| mapping.as_str().to_owned());
        let before: i64 = match before {
            Some(text) => text
                .parse()
                .map_err(|_| StoreError::not_found("entry", text))?,
            None => i64::MAX,
        };
        self.read(move |conn| {
            let last_synced = conn
                .prepare_cached(&format!(
                    "SELECT body FROM run_event WHERE {WHOSE} \
                     AND json_extract(body, '$.error') IS NULL ORDER BY seq DESC LIMIT 1"
                ))?
                .query_row(params![uid, mapping], |row| row.get::<_, String>(0))
                .optional()?
                .map(|body| from_json::<EventRecord>("event record", &body))
                .transpose()?
                .map(|event| event.at);
            let mut statement = conn.prepare_cached(&format!(
                "SELECT mapping_id, run_id, body, seq FROM run_event WHERE {WHOSE} AND seq < ?3 \
                 ORDER BY seq DESC LIMIT ?4"
            ))?;
            let limited = i64::from(limit) + 1;
            let mut rows = statement.query(params![uid, mapping, before, limited])?;
            let mut entries = Vec::new();
            let mut last: Option<i64> = None;
            let mut next = None;
            while let Some(row) = rows.next()? {
                if entries.len() == usize::try_from(limit).unwrap_or(usize::MAX) {
                    next = last.map(|seq| seq.to_string());
                    break;
                }
                last = row.get(3)?;
                entries.push(HistoryEntry {
                    mapping: MappingId::new(row.get::<_, String>(0)?),
                    run: RunId::new(row.get::<_, String>(1)?),
                    event: from_json("event record", &row.get::<_, String>(2)?)?,
                });
            }
            Ok(History {
                entries,
                last_synced,
                next,
            })
        })
        .await
    }

    /// Every mapping at a glance, oldest first.
    pub async fn overview(&self) -> Result<Vec<MappingOverview>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT m.id, \
                 (SELECT count(*) FROM sync_row r WHERE r.mapping_id = m.id AND r.tracked = 1), \
                 (SELECT max(seq) FROM run r \
                  WHERE r.mapping_id = m.id AND r.finished_at IS NOT NULL), \
                 (SELECT max(finished_at) FROM run r \
                  WHERE r.mapping_id = m.id AND r.status = 'success'), \
                 (SELECT sum(json_array_length(h.value, '$.operations')) \
                  FROM mapping_state s, json_each(s.state, '$.held') h \
                  WHERE s.mapping_id = m.id), \
                 (SELECT count(*) FROM conflict c \
                  WHERE c.mapping_id = m.id AND c.status = 'open') \
                 FROM mapping m ORDER BY m.created_at, m.id",
            )?;
            let mut rows = statement.query([])?;
            let mut overviews = Vec::new();
            while let Some(row) = rows.next()? {
                let id: String = row.get(0)?;
                let last: Option<i64> = row.get(2)?;
                let mapping = mappings::get(conn, &id)?;
                overviews.push(MappingOverview {
                    enabled: mapping.settings.enabled,
                    left: attention::number(conn, &mapping)?,
                    mapping: MappingId::new(id),
                    tracked: count(row.get(1)?),
                    last_run: last.map(|seq| by_seq(conn, seq)).transpose()?,
                    last_success: maybe_timestamp(row.get(3)?)?,
                    held: count(row.get::<_, Option<i64>>(4)?.unwrap_or(0)),
                    open_conflicts: count(row.get(5)?),
                });
            }
            Ok(overviews)
        })
        .await
    }
}
