//! Forgetting what is old: runs with their events and images for undoing, decided conflicts,
//! messages to webhooks, and what has long been gone from calendars.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Params, params};

use crate::convert::micros;
use crate::db::Db;
use crate::error::StoreError;
use crate::records::{Purged, Retention};

/// Most things in one transaction, so that a big clearing keeps no run waiting.
const BATCH: i64 = 200;

/// Of a run that wrote nothing, or of one that did or met a conflict.
const KINDS: [&str; 2] = [
    "inserted + updated + deleted + failed + conflicts = 0",
    "inserted + updated + deleted + failed + conflicts > 0",
];

impl Db {
    /// Forgets what is older than `keep` allows, in small transactions; to be called once a day.
    /// Interrupted, it goes on when called again.
    ///
    /// A running run stays, and of every mapping its last run and its last that succeeded. What is
    /// gone from a calendar stays while a row links its series.
    pub async fn purge(&self, now: Timestamp, keep: Retention) -> Result<Purged, StoreError> {
        let runs_before = days_before(now, keep.run_days);
        let gone_before = days_before(now, keep.gone_days);
        let cap = i64::from(keep.runs);
        let mut purged = Purged::default();
        for kind in KINDS {
            purged.runs += self
                .drain(move |conn| runs(conn, kind, runs_before, cap))
                .await?;
        }
        purged.conflicts = self
            .drain(move |conn| conflicts(conn, runs_before, cap))
            .await?;
        purged.messages = self.drain(move |conn| messages(conn, runs_before)).await?;
        purged.gone = self.drain(move |conn| gone(conn, gone_before)).await?;
        Ok(purged)
    }

    /// Repeats a step until it finds less than it may take.
    async fn drain(
        &self,
        step: impl Fn(&Connection) -> Result<usize, StoreError> + Copy + Send + 'static,
    ) -> Result<usize, StoreError> {
        let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
        let mut total = 0;
        loop {
            let done = self.write(step).await?;
            total += done;
            if done < full {
                return Ok(total);
            }
        }
    }
}

/// Runs of one kind with their events and images: the old ones, and those beyond the newest `cap`.
fn runs(conn: &Connection, kind: &str, before: i64, cap: i64) -> Result<usize, StoreError> {
    let old: Vec<String> = conn
        .prepare_cached(&format!(
            "SELECT id FROM run WHERE finished_at IS NOT NULL AND {kind} \
             AND (finished_at < ?1 OR seq <= (SELECT seq FROM run \
               WHERE finished_at IS NOT NULL AND {kind} ORDER BY seq DESC LIMIT 1 OFFSET ?2)) \
             AND seq NOT IN (SELECT max(seq) FROM run WHERE finished_at IS NOT NULL \
               AND mapping_id IN (SELECT id FROM mapping) GROUP BY mapping_id) \
             AND seq NOT IN (SELECT max(seq) FROM run WHERE status = 'success' \
               AND mapping_id IN (SELECT id FROM mapping) GROUP BY mapping_id) \
             ORDER BY seq LIMIT ?3"
        ))?
        .query_map([before, cap, BATCH], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &old {
        for sql in [
            "DELETE FROM run_event WHERE run_id = ?1",
            "DELETE FROM undo WHERE run_id = ?1",
            "DELETE FROM run WHERE id = ?1",
        ] {
            conn.prepare_cached(sql)?.execute([id])?;
        }
    }
    Ok(old.len())
}

fn conflicts(conn: &Connection, before: i64, cap: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM conflict WHERE seq IN (SELECT seq FROM conflict \
         WHERE status = 'decided' AND (decided_at < ?1 OR seq <= (SELECT seq FROM conflict \
           WHERE status = 'decided' ORDER BY seq DESC LIMIT 1 OFFSET ?2)) LIMIT ?3)";
    delete(conn, sql, [before, cap, BATCH])
}

/// Messages that were delivered or given up, and those that wait for a webhook that is off.
fn messages(conn: &Connection, before: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM outbox WHERE id IN (SELECT o.id \
         FROM outbox o JOIN webhook w ON w.id = o.webhook_id \
         WHERE (o.due_at IS NULL OR w.enabled = 0) AND o.created_at < ?1 LIMIT ?2)";
    delete(conn, sql, [before, BATCH])
}

/// What no row of any mapping of the calendar links, whichever account that reads it by. `CROSS`
/// keeps SQLite to this order: few mappings, then links by their index.
fn gone(conn: &Connection, before: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM mirror WHERE id IN (SELECT g.id \
         FROM mirror g JOIN mirror_calendar k ON k.id = g.calendar_id \
         WHERE g.state = 'gone' AND g.since < ?1 AND NOT EXISTS ( \
           SELECT 1 FROM calendar c \
           CROSS JOIN mapping m ON c.id IN (m.caldav_calendar_id, m.google_calendar_id) \
           CROSS JOIN sync_link l ON l.mapping_id = m.id AND l.side = k.side AND l.series = g.series \
           WHERE c.side = k.side AND c.remote = k.remote) \
         LIMIT ?2)";
    delete(conn, sql, params![before, BATCH])
}

fn delete(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

fn days_before(now: Timestamp, days: u32) -> i64 {
    let span = SignedDuration::from_hours(24 * i64::from(days));
    micros(now.checked_sub(span).unwrap_or(Timestamp::MIN))
}
