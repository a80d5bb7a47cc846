//! Mappings: which calendars are joined, and how.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::model::{MappingId, Side};

use crate::caldav_accounts::found;
use crate::calendars::{self, WIDTH};
use crate::convert::{from_json, maybe_timestamp, micros, timestamp, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{Mapping, MappingSettings, NewMapping};

impl Db {
    /// Makes a mapping. That its directions make no circle is the caller's to check.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a calendar that is not there or is of the other side;
    /// [`StoreError::Exists`] with the mapping that joins these two calendars already, whichever
    /// accounts it reads them by.
    pub async fn add_mapping(
        &self,
        new: NewMapping,
        now: Timestamp,
    ) -> Result<Mapping, StoreError> {
        let id = new_id("map")?;
        self.write(move |conn| {
            let caldav = calendars::get(conn, &new.caldav_calendar_id)?;
            let google = calendars::get(conn, &new.google_calendar_id)?;
            for (calendar, side) in [(&caldav, Side::Caldav), (&google, Side::Google)] {
                if calendar.side != side {
                    return Err(StoreError::not_found("calendar", &calendar.id));
                }
            }
            let twin: Option<String> = conn
                .query_row(
                    "SELECT m.id FROM mapping m \
                     JOIN calendar c ON c.id = m.caldav_calendar_id \
                     JOIN calendar g ON g.id = m.google_calendar_id \
                     WHERE c.remote = ?1 AND g.remote = ?2",
                    [&caldav.facts.remote, &google.facts.remote],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(id) = twin {
                return Err(StoreError::Exists {
                    what: "mapping",
                    id,
                });
            }
            conn.execute(
                "INSERT INTO mapping (id, caldav_calendar_id, google_calendar_id, settings, \
                 managed, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![
                    id,
                    caldav.id,
                    google.id,
                    to_json("mapping's settings", &new.settings)?,
                    new.managed,
                    micros(now)
                ],
            )?;
            get(conn, &id)
        })
        .await
    }

    /// Replaces a mapping's settings. Rows, links and echoes survive every change of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_mapping(
        &self,
        mapping: &MappingId,
        settings: MappingSettings,
        managed: bool,
        now: Timestamp,
    ) -> Result<Mapping, StoreError> {
        let id = mapping.as_str().to_owned();
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE mapping SET settings = ?2, managed = ?3, updated_at = ?4 WHERE id = ?1",
                params![
                    id,
                    to_json("mapping's settings", &settings)?,
                    managed,
                    micros(now)
                ],
            )?;
            found(changed, "mapping", &id)?;
            get(conn, &id)
        })
        .await
    }

    /// Switches a mapping on or off and leaves its other settings alone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn enable_mapping(
        &self,
        mapping: &MappingId,
        enabled: bool,
        now: Timestamp,
    ) -> Result<Mapping, StoreError> {
        let id = mapping.as_str().to_owned();
        self.write(move |conn| {
            let mut settings = get(conn, &id)?.settings;
            settings.enabled = enabled;
            conn.execute(
                "UPDATE mapping SET settings = ?2, updated_at = ?3 WHERE id = ?1",
                params![id, to_json("mapping's settings", &settings)?, micros(now)],
            )?;
            get(conn, &id)
        })
        .await
    }

    /// Somebody has seen what a mapping of a restored database would do, and it was done: it runs
    /// like any other from now on.
    pub async fn confirm_restored(&self, mapping: &MappingId) -> Result<(), StoreError> {
        let id = mapping.as_str().to_owned();
        self.write(move |conn| {
            conn.execute("UPDATE mapping SET restored_at = NULL WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    /// All mappings, oldest first.
    pub async fn mappings(&self) -> Result<Vec<Mapping>, StoreError> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached(&format!("{} ORDER BY m.created_at, m.id", select()))?;
            let mut rows = statement.query([])?;
            let mut mappings = Vec::new();
            while let Some(row) = rows.next()? {
                mappings.push(mapping(row)?);
            }
            Ok(mappings)
        })
        .await
    }

    /// One mapping.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn mapping(&self, mapping: &MappingId) -> Result<Mapping, StoreError> {
        let id = mapping.as_str().to_owned();
        self.read(move |conn| get(conn, &id)).await
    }

    /// Removes a mapping with its rows, intents and state, its open conflicts, what was kept for
    /// undoing its runs, and what was mirrored of calendars that no other mapping reads. Its runs
    /// and decided conflicts stay on record. What becomes of its copies is settled before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_mapping(&self, mapping: &MappingId) -> Result<(), StoreError> {
        let id = mapping.as_str().to_owned();
        self.write(move |conn| {
            let changed = conn.execute("DELETE FROM mapping WHERE id = ?1", [&id])?;
            found(changed, "mapping", &id)?;
            conn.execute(
                "DELETE FROM conflict WHERE mapping_id = ?1 AND status = 'open'",
                [&id],
            )?;
            conn.execute(
                "DELETE FROM mirror_calendar WHERE NOT EXISTS \
                 (SELECT 1 FROM mapping m \
                  JOIN calendar c ON c.id IN (m.caldav_calendar_id, m.google_calendar_id) \
                  WHERE c.side = mirror_calendar.side \
                  AND c.account_id = mirror_calendar.account_id \
                  AND c.remote = mirror_calendar.remote)",
                [],
            )?;
            Ok(())
        })
        .await
    }
}

fn select() -> String {
    let google = calendars::COLUMNS.replace("c.", "g.");
    format!(
        "SELECT m.id, m.settings, m.managed, m.created_at, m.updated_at, m.restored_at, {}, {google} \
         FROM mapping m JOIN calendar c ON c.id = m.caldav_calendar_id \
         JOIN calendar g ON g.id = m.google_calendar_id",
        calendars::COLUMNS
    )
}

/// A write for a mapping that is gone must fail whatever it touches: nothing may be written for it
/// at a side any more.
pub(crate) fn must_exist(conn: &Connection, id: &str) -> Result<(), StoreError> {
    let there = conn
        .prepare_cached("SELECT 1 FROM mapping WHERE id = ?1")?
        .exists([id])?;
    if there {
        Ok(())
    } else {
        Err(StoreError::not_found("mapping", id))
    }
}

/// One mapping.
pub(crate) fn get(conn: &Connection, id: &str) -> Result<Mapping, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{} WHERE m.id = ?1", select()))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => mapping(row),
        None => Err(StoreError::not_found("mapping", id)),
    }
}

fn mapping(row: &Row<'_>) -> Result<Mapping, StoreError> {
    const OWN: usize = 6;
    Ok(Mapping {
        id: MappingId::new(row.get::<_, String>(0)?),
        settings: from_json("mapping's settings", &row.get::<_, String>(1)?)?,
        managed: row.get(2)?,
        created_at: timestamp(row.get(3)?)?,
        updated_at: timestamp(row.get(4)?)?,
        restored_at: maybe_timestamp(row.get(5)?)?,
        caldav: calendars::calendar(row, OWN)?,
        google: calendars::calendar(row, OWN + WIDTH)?,
    })
}
