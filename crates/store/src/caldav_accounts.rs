//! CalDAV accounts: kept after a discovery has succeeded, their passwords sealed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use secrecy::SecretString;
use sync_engine::model::{AccountId, Side};
use sync_engine::report::Problem;

use crate::calendars;
use crate::convert::{from_json, from_word, maybe_timestamp, micros, timestamp, to_json, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{
    CaldavAccount, CaldavAccountChange, CaldavStatus, Calendar, CalendarFacts, NewCaldavAccount,
};
use crate::seal::columns::CALDAV_PASSWORD;

const SELECT: &str = "SELECT a.id, c.name, c.base_url, c.username, a.status, a.problem, a.profile, \
     a.managed, a.created_at, a.checked_at, c.trusted_fingerprint \
     FROM account a JOIN caldav_account c ON c.account_id = a.id";

impl Db {
    /// Adds an account and the calendars its discovery found.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for the same address and user name, with that account's id.
    pub async fn add_caldav_account(
        &self,
        new: NewCaldavAccount,
        calendars: Vec<CalendarFacts>,
        now: Timestamp,
    ) -> Result<(CaldavAccount, Vec<Calendar>), StoreError> {
        let id = new_id("cda")?;
        let password = self.keys().seal(CALDAV_PASSWORD, &id, &new.password)?;
        self.write(move |conn| {
            refuse_twin(conn, &new.base_url, &new.username, &id)?;
            conn.execute(
                "INSERT INTO account (id, side, status, profile, managed, created_at, checked_at) \
                 VALUES (?1, 'caldav', 'ok', ?2, ?3, ?4, ?4)",
                params![
                    id,
                    to_json("account profile", &new.profile)?,
                    new.managed,
                    micros(now)
                ],
            )?;
            conn.execute(
                "INSERT INTO caldav_account \
                 (account_id, name, base_url, username, password, trusted_fingerprint) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id,
                    new.name,
                    new.base_url,
                    new.username,
                    password,
                    new.trusted_fingerprint
                ],
            )?;
            let calendars = calendars::put(conn, &id, Side::Caldav, calendars)?;
            Ok((get(conn, &id)?, calendars))
        })
        .await
    }

    /// Changes an account that was tested with these changes; its status becomes `ok`. Mappings and
    /// calendars stay: [`put_calendars`](Self::put_calendars) brings those up to date.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Exists`] when another account has that address and
    /// user name.
    pub async fn change_caldav_account(
        &self,
        account: &AccountId,
        change: CaldavAccountChange,
        now: Timestamp,
    ) -> Result<CaldavAccount, StoreError> {
        let id = account.as_str().to_owned();
        let password = change
            .password
            .as_ref()
            .map(|password| self.keys().seal(CALDAV_PASSWORD, &id, password))
            .transpose()?;
        self.write(move |conn| {
            let old = get(conn, &id)?;
            let base_url = change.base_url.unwrap_or(old.base_url);
            let username = change.username.unwrap_or(old.username);
            refuse_twin(conn, &base_url, &username, &id)?;
            conn.execute(
                "UPDATE caldav_account SET name = ?2, base_url = ?3, username = ?4, \
                 password = coalesce(?5, password), trusted_fingerprint = ?6 \
                 WHERE account_id = ?1",
                params![
                    id,
                    change.name.unwrap_or(old.name),
                    base_url,
                    username,
                    password,
                    change
                        .trusted_fingerprint
                        .unwrap_or(old.trusted_fingerprint)
                ],
            )?;
            let profile = change.profile.unwrap_or(old.profile);
            conn.execute(
                "UPDATE account SET status = 'ok', problem = NULL, profile = ?2, managed = ?3, \
                 checked_at = ?4 WHERE id = ?1",
                params![
                    id,
                    to_json("account profile", &profile)?,
                    change.managed.unwrap_or(old.managed),
                    micros(now)
                ],
            )?;
            get(conn, &id)
        })
        .await
    }

    /// Notes what an account is called and whether `config.yaml` declares it. Nothing else changes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn name_account(
        &self,
        account: &AccountId,
        name: &str,
        managed: bool,
    ) -> Result<(), StoreError> {
        let (id, name) = (account.as_str().to_owned(), name.to_owned());
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE caldav_account SET name = ?2 WHERE account_id = ?1",
                [&id, &name],
            )?;
            found(changed, "CalDAV account", &id)?;
            conn.execute(
                "UPDATE account SET managed = ?2 WHERE id = ?1",
                params![id, managed],
            )?;
            Ok(())
        })
        .await
    }

    /// All CalDAV accounts, oldest first.
    pub async fn caldav_accounts(&self) -> Result<Vec<CaldavAccount>, StoreError> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached(&format!("{SELECT} ORDER BY a.created_at, a.id"))?;
            let mut rows = statement.query([])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                accounts.push(account(row)?);
            }
            Ok(accounts)
        })
        .await
    }

    /// One CalDAV account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn caldav_account(&self, account: &AccountId) -> Result<CaldavAccount, StoreError> {
        let id = account.as_str().to_owned();
        self.read(move |conn| get(conn, &id)).await
    }

    /// An account's password.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unsealable`].
    pub async fn caldav_password(&self, account: &AccountId) -> Result<SecretString, StoreError> {
        let id = account.as_str().to_owned();
        let sealed: String = self
            .read(move |conn| {
                conn.prepare_cached("SELECT password FROM caldav_account WHERE account_id = ?1")?
                    .query_row([&id], |row| row.get(0))
                    .optional()?
                    .ok_or_else(|| StoreError::not_found("CalDAV account", &id))
            })
            .await?;
        self.keys().open(CALDAV_PASSWORD, account.as_str(), &sealed)
    }

    /// Notes whether an account works. Given no problem, the stored one goes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_caldav_status(
        &self,
        account: &AccountId,
        status: CaldavStatus,
        problem: Option<Problem>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let word = to_word("account status", &status)?;
        self.set_status(account, "CalDAV account", word, problem, now)
            .await
    }

    /// Replaces what is remembered about an account of either side.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_account_profile(
        &self,
        account: &AccountId,
        profile: serde_json::Value,
    ) -> Result<(), StoreError> {
        let id = account.as_str().to_owned();
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE account SET profile = ?2 WHERE id = ?1",
                params![id, to_json("account profile", &profile)?],
            )?;
            found(changed, "account", &id)
        })
        .await
    }

    /// Removes an account of either side with its calendars and what was mirrored of them.
    ///
    /// # Errors
    /// [`StoreError::AccountInUse`] with the mappings that use it; [`StoreError::NotFound`].
    pub async fn delete_account(&self, account: &AccountId) -> Result<(), StoreError> {
        let id = account.as_str().to_owned();
        self.write(move |conn| {
            free(conn, &id)?;
            conn.execute("DELETE FROM mirror_calendar WHERE account_id = ?1", [&id])?;
            let changed = conn.execute("DELETE FROM account WHERE id = ?1", [&id])?;
            found(changed, "account", &id)
        })
        .await
    }

    /// Whether [`delete_account`](Self::delete_account) would take it: no mapping uses it.
    ///
    /// # Errors
    /// [`StoreError::AccountInUse`] with the mappings that do.
    pub async fn account_is_free(&self, account: &AccountId) -> Result<(), StoreError> {
        let id = account.as_str().to_owned();
        self.read(move |conn| free(conn, &id)).await
    }

    pub(crate) async fn set_status(
        &self,
        account: &AccountId,
        what: &'static str,
        word: String,
        problem: Option<Problem>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = account.as_str().to_owned();
        self.write(move |conn| {
            let problem = problem
                .map(|problem| to_json("problem", &problem))
                .transpose()?;
            let changed = conn.execute(
                "UPDATE account SET status = ?2, problem = ?3, checked_at = ?4 WHERE id = ?1",
                params![id, word, problem, micros(now)],
            )?;
            found(changed, what, &id)
        })
        .await
    }
}

/// An update or removal that met nothing is a [`StoreError::NotFound`].
fn free(conn: &Connection, account: &str) -> Result<(), StoreError> {
    let mappings = calendars::mappings_of_account(conn, account)?;
    if mappings.is_empty() {
        Ok(())
    } else {
        Err(StoreError::AccountInUse { mappings })
    }
}

pub(crate) fn found(changed: usize, what: &'static str, id: &str) -> Result<(), StoreError> {
    if changed == 0 {
        Err(StoreError::not_found(what, id))
    } else {
        Ok(())
    }
}

fn refuse_twin(
    conn: &Connection,
    base_url: &str,
    username: &str,
    but: &str,
) -> Result<(), StoreError> {
    let twin: Option<String> = conn
        .query_row(
            "SELECT account_id FROM caldav_account \
             WHERE base_url = ?1 AND username = ?2 AND account_id <> ?3",
            [base_url, username, but],
            |row| row.get(0),
        )
        .optional()?;
    match twin {
        Some(id) => Err(StoreError::Exists {
            what: "CalDAV account",
            id,
        }),
        None => Ok(()),
    }
}

fn get(conn: &Connection, id: &str) -> Result<CaldavAccount, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE a.id = ?1"))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => account(row),
        None => Err(StoreError::not_found("CalDAV account", id)),
    }
}

fn account(row: &Row<'_>) -> Result<CaldavAccount, StoreError> {
    Ok(CaldavAccount {
        id: AccountId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        base_url: row.get(2)?,
        username: row.get(3)?,
        status: from_word("account status", &row.get::<_, String>(4)?)?,
        problem: row
            .get::<_, Option<String>>(5)?
            .map(|problem| from_json("problem", &problem))
            .transpose()?,
        profile: from_json("account profile", &row.get::<_, String>(6)?)?,
        managed: row.get(7)?,
        created_at: timestamp(row.get(8)?)?,
        checked_at: maybe_timestamp(row.get(9)?)?,
        trusted_fingerprint: row.get(10)?,
    })
}
