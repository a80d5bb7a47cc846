//! The mirror, read: what was last seen of each resource. How readings get in is `record`.

pub(crate) mod record;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::mirror::{CalendarState, MirrorState, Mirrored};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Cursor, Etag, ResourceId, SeriesKey, SideTag, Uid};
use sync_engine::ports::store::{CalendarKey, Versions};

use crate::convert::{count, from_json, maybe_timestamp, micros, name_list, timestamp, to_word};
use crate::error::StoreError;

/// The row of a calendar that was read before.
pub(crate) fn calendar_id<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
) -> Result<Option<i64>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT id FROM mirror_calendar WHERE side = ?1 AND account_id = ?2 AND remote = ?3",
        )?
        .query_row(
            params![
                to_word("side", &S::SIDE)?,
                key.account.as_str(),
                key.calendar.as_str()
            ],
            |row| row.get(0),
        )
        .optional()?)
}

pub(crate) fn calendar<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
) -> Result<CalendarState<S>, StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok(CalendarState::default());
    };
    let mut statement = conn.prepare_cached(
        "SELECT cursor, read_at, listed_at, living FROM mirror_calendar WHERE id = ?1",
    )?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => Ok(CalendarState {
            cursor: row.get::<_, Option<String>>(0)?.map(Cursor::new),
            read_at: maybe_timestamp(row.get(1)?)?,
            listed_at: maybe_timestamp(row.get(2)?)?,
            present: count(row.get(3)?),
        }),
        None => Ok(CalendarState::default()),
    }
}

pub(crate) fn versions<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    only: Option<&[ResourceId<S>]>,
) -> Result<Versions<S>, StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok(Versions::new());
    };
    let mut versions = Versions::new();
    let mut collect = |rows: &mut rusqlite::Rows<'_>| -> Result<(), StoreError> {
        while let Some(row) = rows.next()? {
            versions.insert(
                ResourceId::new(row.get::<_, String>(0)?),
                row.get::<_, Option<String>>(1)?.map(Etag::new),
            );
        }
        Ok(())
    };
    match only {
        None => {
            let mut statement = conn.prepare_cached(
                "SELECT resource, etag FROM mirror WHERE calendar_id = ?1 AND state <> 'gone'",
            )?;
            collect(&mut statement.query([id])?)?;
        }
        Some(resources) => {
            let names = name_list(resources.iter().map(ResourceId::as_str))?;
            let mut statement = conn.prepare_cached(
                "SELECT resource, etag FROM mirror WHERE calendar_id = ?1 AND state <> 'gone' \
                 AND resource IN (SELECT value FROM json_each(?2))",
            )?;
            collect(&mut statement.query(params![id, names])?)?;
        }
    }
    Ok(versions)
}

/// Why a row is `gone`, where that was inferred: a complete listing did not name the resource.
pub(crate) const UNLISTED: &str = "unlisted";

/// Resources that complete listings left out after this moment, and whose series is gone. One that
/// only moved is there under another name.
pub(crate) fn absent<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    after: Timestamp,
) -> Result<Vec<(ResourceId<S>, Timestamp)>, StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(
        "SELECT m.resource, m.since FROM mirror m \
         WHERE m.calendar_id = ?1 AND m.state = 'gone' AND m.reason = ?2 AND m.since > ?3 \
         AND NOT EXISTS (SELECT 1 FROM mirror l WHERE l.calendar_id = m.calendar_id \
             AND l.series = m.series AND l.state <> 'gone') \
         ORDER BY m.resource",
    )?;
    let mut rows = statement.query(params![id, UNLISTED, micros(after)])?;
    let mut absent = Vec::new();
    while let Some(row) = rows.next()? {
        absent.push((
            ResourceId::new(row.get::<_, String>(0)?),
            timestamp(row.get(1)?)?,
        ));
    }
    Ok(absent)
}

pub(crate) fn mirrored<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    series: &[SeriesKey<S>],
) -> Result<Vec<Mirrored<S>>, StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok(Vec::new());
    };
    let names = name_list(series.iter().map(SeriesKey::as_str))?;
    let mut statement = conn.prepare_cached(
        "SELECT m.series, b.observation, m.state, m.reason, m.shown, m.since, m.change \
         FROM mirror m LEFT JOIN mirror_body b ON b.id = m.id \
         WHERE m.calendar_id = ?1 AND m.series IN (SELECT value FROM json_each(?2)) \
         ORDER BY m.series, m.resource, m.id",
    )?;
    let mut rows = statement.query(params![id, names])?;
    let mut mirrored = Vec::new();
    while let Some(row) = rows.next()? {
        mirrored.push(entry(row)?);
    }
    Ok(mirrored)
}

fn entry<S: SideTag>(row: &Row<'_>) -> Result<Mirrored<S>, StoreError> {
    let state = match row.get::<_, String>(2)?.as_str() {
        "present" => MirrorState::Present,
        "unreadable" => {
            MirrorState::Unreadable(row.get::<_, Option<String>>(3)?.unwrap_or_default())
        }
        _ => MirrorState::Gone,
    };
    Ok(Mirrored {
        series: SeriesKey::new(row.get::<_, String>(0)?),
        observation: row
            .get::<_, Option<String>>(1)?
            .map(|text| from_json("observation", &text))
            .transpose()?,
        state,
        shown: row.get(4)?,
        since: timestamp(row.get(5)?)?,
        change: count(row.get(6)?),
    })
}

/// Series that are there (readable or not) with one of these UIDs.
pub(crate) fn series_by_uid<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    uids: &[Uid],
) -> Result<Vec<(Uid, SeriesKey<S>)>, StoreError> {
    let sql = "SELECT DISTINCT uid, series FROM mirror WHERE calendar_id = ?1 \
         AND uid IN (SELECT value FROM json_each(?2)) \
         AND state IN ('present', 'unreadable') AND series IS NOT NULL ORDER BY uid, series";
    let names = name_list(uids.iter().map(Uid::as_str))?;
    let pairs = pairs(conn, key, sql, &names)?;
    Ok(pairs
        .into_iter()
        .map(|(uid, series)| (Uid::new(uid), series))
        .collect())
}

/// Series, present or gone, whose origin tag names one of these hashes.
pub(crate) fn series_by_origin<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    uid_hashes: &[String],
) -> Result<Vec<(String, SeriesKey<S>)>, StoreError> {
    let sql = "SELECT DISTINCT origin, series FROM mirror WHERE calendar_id = ?1 \
         AND origin IN (SELECT value FROM json_each(?2)) \
         AND series IS NOT NULL ORDER BY origin, series";
    let names = name_list(uid_hashes.iter().map(String::as_str))?;
    pairs(conn, key, sql, &names)
}

fn pairs<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    sql: &str,
    names: &str,
) -> Result<Vec<(String, SeriesKey<S>)>, StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(sql)?;
    let pairs = statement.query_map(params![id, names], |row| {
        Ok((row.get(0)?, SeriesKey::new(row.get::<_, String>(1)?)))
    })?;
    Ok(pairs.collect::<Result<_, _>>()?)
}

/// The series that changed after a mark (all series for `None`), and the mark that holds once they
/// are planned.
pub(crate) fn changed<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    since: Option<i64>,
) -> Result<(Vec<SeriesKey<S>>, u64), StoreError> {
    let Some(id) = calendar_id(conn, key)? else {
        return Ok((Vec::new(), 0));
    };
    let upto: i64 = conn
        .prepare_cached("SELECT change FROM mirror_calendar WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT series FROM mirror WHERE calendar_id = ?1 AND change > ?2 \
         AND series IS NOT NULL ORDER BY series",
    )?;
    let series = statement
        .query_map(params![id, since.unwrap_or(-1)], |row| {
            Ok(SeriesKey::new(row.get::<_, String>(0)?))
        })?
        .collect::<Result<_, _>>()?;
    Ok((series, count(upto)))
}
