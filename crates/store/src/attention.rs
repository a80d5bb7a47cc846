//! Events that stay behind: what a side shows and cannot be read, and what could not be written and
//! waits for its next attempt. A run tells it once; this is what is still so.

use rusqlite::{Connection, params};
use sync_engine::model::{MappingId, Side, SideTag, Uid};
use sync_engine::ports::store::CalendarKey;
use sync_engine::row::{Row, RowState};

use crate::convert::{count, from_json, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::mappings;
use crate::records::{Left, Mapping};

/// Unreadable resources of a calendar that a mapping reads from, or has linked.
const UNREADABLE: &str = "FROM mirror m JOIN mirror_calendar k ON k.id = m.calendar_id \
     WHERE k.side = ?2 AND k.account_id = ?3 AND k.remote = ?4 AND m.state = 'unreadable' \
     AND (?5 OR EXISTS (SELECT 1 FROM sync_link l WHERE l.mapping_id = ?1 \
          AND l.side = ?2 AND l.series = m.series))";
/// Rows with a setback: they have a time for the next attempt.
const SET_BACK: &str = "FROM sync_row WHERE mapping_id = ?1 AND due IS NOT NULL \
     AND json_array_length(body, '$.setbacks') > 0";

impl Db {
    /// The events of a mapping that need attention, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a mapping that is not there.
    pub async fn left(&self, mapping: &MappingId, limit: u32) -> Result<Vec<Left>, StoreError> {
        let id = mapping.clone();
        self.read(move |conn| {
            let mapping = mappings::get(conn, id.as_str())?;
            let mut left = Vec::new();
            unreadable(conn, &mapping, &mapping.caldav_key(), limit, &mut left)?;
            unreadable(conn, &mapping, &mapping.google_key(), limit, &mut left)?;
            let sql = format!("SELECT body {SET_BACK} ORDER BY key LIMIT ?2");
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params![id.as_str(), limit])?;
            while let Some(row) = rows.next()? {
                let row: Row = from_json("row", &row.get::<_, String>(0)?)?;
                // Of several troubles of one event the first speaks for all.
                if let Some((_, setback)) = row.setbacks.into_iter().next() {
                    // What was set aside after a loop waits for somebody to change it.
                    let waits = row.state == RowState::SetAside;
                    left.push(Left {
                        side: None,
                        uid: row.uid,
                        detail: setback.detail,
                        since: None,
                        next_attempt: (!waits).then_some(setback.until),
                    });
                }
            }
            left.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(left)
        })
        .await
    }
}

/// How many events of a mapping need attention.
pub(crate) fn number(conn: &Connection, mapping: &Mapping) -> Result<u64, StoreError> {
    let mut all = count_unreadable(conn, mapping, &mapping.caldav_key())?;
    all += count_unreadable(conn, mapping, &mapping.google_key())?;
    let set_back: i64 = conn
        .prepare_cached(&format!("SELECT count(*) {SET_BACK}"))?
        .query_row([mapping.id.as_str()], |row| row.get(0))?;
    Ok(all + count(set_back))
}

fn count_unreadable<S: SideTag>(
    conn: &Connection,
    mapping: &Mapping,
    calendar: &CalendarKey<S>,
) -> Result<u64, StoreError> {
    let found: i64 = conn
        .prepare_cached(&format!("SELECT count(*) {UNREADABLE}"))?
        .query_row(
            params![
                mapping.id.as_str(),
                S::SIDE.to_string(),
                calendar.account.as_str(),
                calendar.calendar.as_str(),
                is_source(mapping, S::SIDE),
            ],
            |row| row.get(0),
        )?;
    Ok(count(found))
}

fn unreadable<S: SideTag>(
    conn: &Connection,
    mapping: &Mapping,
    calendar: &CalendarKey<S>,
    limit: u32,
    left: &mut Vec<Left>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT coalesce(m.uid, m.resource), m.reason, m.since {UNREADABLE} \
         ORDER BY m.since, m.id LIMIT ?6"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        mapping.id.as_str(),
        S::SIDE.to_string(),
        calendar.account.as_str(),
        calendar.calendar.as_str(),
        is_source(mapping, S::SIDE),
        limit,
    ])?;
    while let Some(row) = rows.next()? {
        left.push(Left {
            side: Some(S::SIDE),
            uid: Uid::new(row.get::<_, String>(0)?.as_str()),
            detail: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            since: Some(timestamp(row.get(2)?)?),
            next_attempt: None,
        });
    }
    Ok(())
}

/// Whether a mapping reads events from this side.
fn is_source(mapping: &Mapping, side: Side) -> bool {
    use crate::records::Direction::{Bidirectional, CaldavToGoogle, GoogleToCaldav};
    match mapping.settings.direction {
        Bidirectional => true,
        CaldavToGoogle => side == Side::Caldav,
        GoogleToCaldav => side == Side::Google,
    }
}
