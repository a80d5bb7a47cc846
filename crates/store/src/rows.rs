//! Rows: which series belong together, found by name, by linked series, by what is due.

use rusqlite::{Connection, OptionalExtension as _, params};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Google, MappingId, SeriesKey, SideTag, Uid};
use sync_engine::ports::store::{CalendarKey, ChangeSet, Marks, Namesake, RowChange};
use sync_engine::row::{Link, Row, RowKey};

use crate::convert::{count, from_json, integer, micros, name_list, to_json, to_word};
use crate::error::StoreError;
use crate::mirror;
use crate::records::MappingSettings;

pub(crate) fn change(
    conn: &Connection,
    mapping: &str,
    change: &RowChange,
) -> Result<(), StoreError> {
    match change {
        RowChange::Put(row) => put(conn, mapping, row),
        RowChange::Drop(key) => {
            conn.prepare_cached("DELETE FROM sync_row WHERE mapping_id = ?1 AND key = ?2")?
                .execute([mapping, key.as_str()])?;
            Ok(())
        }
    }
}

pub(crate) fn put(conn: &Connection, mapping: &str, row: &Row) -> Result<(), StoreError> {
    let id: i64 = conn
        .prepare_cached(
            "INSERT INTO sync_row (mapping_id, key, state, tracked, due, body, uid) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (mapping_id, key) DO UPDATE SET \
             state = excluded.state, tracked = excluded.tracked, due = excluded.due, \
             body = excluded.body, uid = excluded.uid RETURNING id",
        )?
        .query_row(
            params![
                mapping,
                row.key.as_str(),
                to_word("row state", &row.state)?,
                row.is_tracked(),
                row.due.map(micros),
                to_json("row", row)?,
                row.uid.as_str()
            ],
            |row| row.get(0),
        )?;
    conn.prepare_cached("DELETE FROM sync_link WHERE row_id = ?1")?
        .execute([id])?;
    link(conn, id, mapping, row.link::<Caldav>())?;
    link(conn, id, mapping, row.link::<Google>())
}

fn link<S: SideTag>(
    conn: &Connection,
    row: i64,
    mapping: &str,
    link: Option<&Link<S>>,
) -> Result<(), StoreError> {
    let side = to_word("side", &S::SIDE)?;
    let mut statement = conn.prepare_cached(
        "INSERT OR IGNORE INTO sync_link (row_id, mapping_id, side, series) \
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for key in link.iter().flat_map(|link| &link.keys) {
        statement.execute(params![row, mapping, side, key.as_str()])?;
    }
    Ok(())
}

/// Rows by name, and rows that link one of these series; each once, by name.
pub(crate) fn find(
    conn: &Connection,
    mapping: &MappingId,
    keys: &[RowKey],
    caldav: &[SeriesKey<Caldav>],
    google: &[SeriesKey<Google>],
) -> Result<Vec<Row>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT body FROM sync_row WHERE id IN ( \
           SELECT id FROM sync_row WHERE mapping_id = ?1 \
             AND key IN (SELECT value FROM json_each(?2)) \
           UNION SELECT row_id FROM sync_link WHERE mapping_id = ?1 AND side = 'caldav' \
             AND series IN (SELECT value FROM json_each(?3)) \
           UNION SELECT row_id FROM sync_link WHERE mapping_id = ?1 AND side = 'google' \
             AND series IN (SELECT value FROM json_each(?4))) \
         ORDER BY key",
    )?;
    let mut rows = statement.query(params![
        mapping.as_str(),
        name_list(keys.iter().map(RowKey::as_str))?,
        name_list(caldav.iter().map(SeriesKey::as_str))?,
        name_list(google.iter().map(SeriesKey::as_str))?,
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_json("row", &row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

pub(crate) fn tracked(conn: &Connection, mapping: &MappingId) -> Result<u64, StoreError> {
    let tracked = conn
        .prepare_cached("SELECT count(*) FROM sync_row WHERE mapping_id = ?1 AND tracked = 1")?
        .query_row([mapping.as_str()], |row| row.get(0))?;
    Ok(count(tracked))
}

/// Rows with these UIDs of every mapping of a calendar, whichever account it is read by; the oldest
/// mapping's first.
pub(crate) fn namesakes<S: SideTag>(
    conn: &Connection,
    calendar: &CalendarKey<S>,
    uids: &[Uid],
) -> Result<Vec<Namesake>, StoreError> {
    // `CROSS` keeps SQLite to this order: few mappings, then rows by their index.
    let mut statement = conn.prepare_cached(
        "SELECT m.id, r.body, m.settings, m.restored_at IS NOT NULL FROM calendar c \
         CROSS JOIN mapping m ON c.id IN (m.caldav_calendar_id, m.google_calendar_id) \
         CROSS JOIN sync_row r ON r.mapping_id = m.id AND r.uid IN (SELECT value FROM json_each(?3)) \
         WHERE c.side = ?1 AND c.remote = ?2 ORDER BY m.created_at, m.id, r.key",
    )?;
    let mut rows = statement.query(params![
        to_word("side", &S::SIDE)?,
        calendar.calendar.as_str(),
        name_list(uids.iter().map(Uid::as_str))?,
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let settings: MappingSettings = from_json("mapping's settings", &row.get::<_, String>(2)?)?;
        let restored: bool = row.get(3)?;
        found.push(Namesake {
            mapping: MappingId::new(row.get::<_, String>(0)?),
            row: from_json("row", &row.get::<_, String>(1)?)?,
            runs: settings.enabled && !restored,
            writes: settings.direction.leads_to(S::SIDE),
        });
    }
    Ok(found)
}

/// What a plan has to look at, in one snapshot.
pub(crate) fn changes(
    conn: &Connection,
    mapping: &MappingId,
    caldav: &CalendarKey<Caldav>,
    google: &CalendarKey<Google>,
    now: Timestamp,
    everything: bool,
) -> Result<ChangeSet, StoreError> {
    let marks = marks(conn, mapping)?;
    let since = |mark: u64| (!everything).then(|| integer(mark));
    let (caldav, caldav_mark) = mirror::changed(conn, caldav, since(marks.caldav))?;
    let (google, google_mark) = mirror::changed(conn, google, since(marks.google))?;
    let mut statement = conn.prepare_cached(if everything {
        "SELECT key FROM sync_row WHERE mapping_id = ?1 AND ?2 = ?2 ORDER BY key"
    } else {
        "SELECT key FROM sync_row WHERE mapping_id = ?1 AND due <= ?2 ORDER BY due, key"
    })?;
    let due = statement
        .query_map(params![mapping.as_str(), micros(now)], |row| {
            Ok(RowKey::from(row.get::<_, String>(0)?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(ChangeSet {
        caldav,
        google,
        due,
        upto: Marks {
            caldav: caldav_mark,
            google: google_mark,
        },
    })
}

fn marks(conn: &Connection, mapping: &MappingId) -> Result<Marks, StoreError> {
    Ok(conn
        .prepare_cached("SELECT caldav_mark, google_mark FROM mapping_state WHERE mapping_id = ?1")?
        .query_row([mapping.as_str()], |row| {
            Ok(Marks {
                caldav: count(row.get(0)?),
                google: count(row.get(1)?),
            })
        })
        .optional()?
        .unwrap_or_default())
}
