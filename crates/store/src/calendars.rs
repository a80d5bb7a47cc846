//! Calendars that accounts show. Their ids stay as long as the account names them or a mapping uses
//! them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::model::{AccountId, MappingId, Side};

use crate::convert::{from_json, from_word, to_json, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{Calendar, CalendarFacts};

/// The columns of a calendar; the table is called `c`.
pub(crate) const COLUMNS: &str = "c.id, c.account_id, c.side, c.remote, c.name, c.color, \
     c.writable, c.access_role, c.time_zone, c.is_primary, c.components, c.listed";
/// How many there are.
pub(crate) const WIDTH: usize = 12;

impl Db {
    /// Takes in what a discovery found, all of it: known calendars are brought up to date, those
    /// that are missing go, or stay as not `listed` while a mapping uses them. Returns those found,
    /// in the order given.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account is not there.
    pub async fn put_calendars(
        &self,
        account: &AccountId,
        calendars: Vec<CalendarFacts>,
    ) -> Result<Vec<Calendar>, StoreError> {
        let id = account.as_str().to_owned();
        self.write(move |conn| {
            let side: String = conn
                .query_row("SELECT side FROM account WHERE id = ?1", [&id], |row| {
                    row.get(0)
                })
                .optional()?
                .ok_or_else(|| StoreError::not_found("account", &id))?;
            put(conn, &id, from_word("side", &side)?, calendars)
        })
        .await
    }

    /// The calendars of one side, or of one account of it, by name. Those that are no longer listed
    /// come last.
    pub async fn calendars(
        &self,
        side: Side,
        account: Option<&AccountId>,
    ) -> Result<Vec<Calendar>, StoreError> {
        let side = to_word("side", &side)?;
        let account = account.map(|account| account.as_str().to_owned());
        self.read(move |conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM calendar c \
                 WHERE c.side = ?1 AND (?2 IS NULL OR c.account_id = ?2) \
                 ORDER BY c.listed DESC, c.is_primary DESC, lower(c.name), c.id"
            ))?;
            let mut rows = statement.query(params![side, account])?;
            let mut calendars = Vec::new();
            while let Some(row) = rows.next()? {
                calendars.push(calendar(row, 0)?);
            }
            Ok(calendars)
        })
        .await
    }

    /// One calendar.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn calendar_by_id(&self, id: &str) -> Result<Calendar, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| get(conn, &id)).await
    }
}

/// One calendar.
pub(crate) fn get(conn: &Connection, id: &str) -> Result<Calendar, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM calendar c WHERE c.id = ?1"))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => calendar(row, 0),
        None => Err(StoreError::not_found("calendar", id)),
    }
}

/// See [`Db::put_calendars`].
pub(crate) fn put(
    conn: &Connection,
    account: &str,
    side: Side,
    calendars: Vec<CalendarFacts>,
) -> Result<Vec<Calendar>, StoreError> {
    let side_word = to_word("side", &side)?;
    conn.execute(
        "UPDATE calendar SET listed = 0 WHERE account_id = ?1",
        [account],
    )?;
    let mut put = Vec::with_capacity(calendars.len());
    for facts in calendars {
        let id: String = conn
            .prepare_cached(
                "INSERT INTO calendar (id, account_id, side, remote, name, color, writable, \
                 access_role, time_zone, is_primary, components, listed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1) \
                 ON CONFLICT (account_id, remote) DO UPDATE SET name = excluded.name, \
                 color = excluded.color, writable = excluded.writable, \
                 access_role = excluded.access_role, time_zone = excluded.time_zone, \
                 is_primary = excluded.is_primary, components = excluded.components, listed = 1 \
                 RETURNING id",
            )?
            .query_row(
                params![
                    new_id("cal")?,
                    account,
                    side_word,
                    facts.remote,
                    facts.name,
                    facts.color,
                    facts.writable,
                    facts.access_role,
                    facts.time_zone,
                    facts.primary,
                    to_json("components", &facts.components)?,
                ],
                |row| row.get(0),
            )?;
        put.push(Calendar {
            id,
            account: AccountId::new(account),
            side,
            facts,
            listed: true,
        });
    }
    conn.execute(
        "DELETE FROM calendar WHERE account_id = ?1 AND listed = 0 AND NOT EXISTS \
         (SELECT 1 FROM mapping m \
          WHERE m.caldav_calendar_id = calendar.id OR m.google_calendar_id = calendar.id)",
        [account],
    )?;
    Ok(put)
}

/// The mappings that use any calendar of an account.
pub(crate) fn mappings_of_account(
    conn: &Connection,
    account: &str,
) -> Result<Vec<MappingId>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT m.id FROM mapping m \
         JOIN calendar c ON c.id IN (m.caldav_calendar_id, m.google_calendar_id) \
         WHERE c.account_id = ?1 ORDER BY m.id",
    )?;
    let ids = statement.query_map([account], |row| row.get::<_, String>(0))?;
    ids.map(|id| Ok(MappingId::new(id?))).collect()
}

/// Reads [`COLUMNS`], the first of which is number `first`.
pub(crate) fn calendar(row: &Row<'_>, first: usize) -> Result<Calendar, StoreError> {
    Ok(Calendar {
        id: row.get(first)?,
        account: AccountId::new(row.get::<_, String>(first + 1)?),
        side: from_word("side", &row.get::<_, String>(first + 2)?)?,
        facts: CalendarFacts {
            remote: row.get(first + 3)?,
            name: row.get(first + 4)?,
            color: row.get(first + 5)?,
            writable: row.get(first + 6)?,
            access_role: row.get(first + 7)?,
            time_zone: row.get(first + 8)?,
            primary: row.get(first + 9)?,
            components: from_json("components", &row.get::<_, String>(first + 10)?)?,
        },
        listed: row.get(first + 11)?,
    })
}
