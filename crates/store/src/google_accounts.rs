//! Google accounts: who signed in, their tokens sealed, and how much each has written today.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sync_engine::model::AccountId;
use sync_engine::report::Problem;

use crate::caldav_accounts::found;
use crate::convert::{
    count, from_json, from_word, maybe_timestamp, micros, timestamp, to_json, to_word,
};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{GoogleAccount, GoogleStatus, GoogleTokens};
use crate::seal::columns::{GOOGLE_ACCESS_TOKEN, GOOGLE_REFRESH_TOKEN};

const SELECT: &str = "SELECT a.id, g.email, a.status, a.problem, g.scopes, a.profile, \
     a.created_at, a.checked_at \
     FROM account a JOIN google_account g ON g.account_id = a.id";
/// Days for which counts of writes are kept.
const DAYS: i64 = 31;

/// Tokens as they are stored.
struct Sealed {
    refresh: String,
    access: Option<String>,
    expires_at: Option<i64>,
    scopes: String,
}

impl Db {
    /// Keeps the account somebody signed in with: a new one, or new tokens for the one with that
    /// address (case ignored). Its status becomes `ok`.
    pub async fn connect_google_account(
        &self,
        email: &str,
        tokens: GoogleTokens,
        now: Timestamp,
    ) -> Result<GoogleAccount, StoreError> {
        let email = email.to_owned();
        let fresh = new_id("gga")?;
        let db = self.clone();
        self.write(move |conn| {
            let known: Option<String> = conn
                .query_row(
                    "SELECT account_id FROM google_account WHERE email = ?1",
                    [&email],
                    |row| row.get(0),
                )
                .optional()?;
            let id = if let Some(id) = known {
                // Google may leave out the refresh token when the grant was renewed, but then the
                // caller has put the old one in.
                conn.execute(
                    "UPDATE account SET status = 'ok', problem = NULL, checked_at = ?2 \
                     WHERE id = ?1",
                    params![id, micros(now)],
                )?;
                id
            } else {
                conn.execute(
                    "INSERT INTO account (id, side, status, profile, created_at, checked_at) \
                     VALUES (?1, 'google', 'ok', '{}', ?2, ?2)",
                    params![fresh, micros(now)],
                )?;
                conn.execute(
                    "INSERT INTO google_account (account_id, email, refresh_token, scopes) \
                     VALUES (?1, ?2, '', '[]')",
                    [&fresh, &email],
                )?;
                fresh
            };
            // The row's id, which the seal is bound to, is only known here.
            let sealed = db.seal_tokens(&id, &tokens)?;
            put_tokens(conn, &id, &sealed)?;
            get(conn, &id)
        })
        .await
    }

    /// All Google accounts, oldest first.
    pub async fn google_accounts(&self) -> Result<Vec<GoogleAccount>, StoreError> {
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

    /// One Google account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn google_account(&self, account: &AccountId) -> Result<GoogleAccount, StoreError> {
        let id = account.as_str().to_owned();
        self.read(move |conn| get(conn, &id)).await
    }

    /// An account's tokens.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unsealable`].
    pub async fn google_tokens(&self, account: &AccountId) -> Result<GoogleTokens, StoreError> {
        let id = account.as_str().to_owned();
        let sealed = self
            .read(move |conn| {
                conn.prepare_cached(
                    "SELECT refresh_token, access_token, expires_at, scopes \
                     FROM google_account WHERE account_id = ?1",
                )?
                .query_row([&id], |row| {
                    Ok(Sealed {
                        refresh: row.get(0)?,
                        access: row.get(1)?,
                        expires_at: row.get(2)?,
                        scopes: row.get(3)?,
                    })
                })
                .optional()?
                .ok_or_else(|| StoreError::not_found("Google account", &id))
            })
            .await?;
        let row = account.as_str();
        Ok(GoogleTokens {
            refresh: self
                .keys()
                .open(GOOGLE_REFRESH_TOKEN, row, &sealed.refresh)?,
            access: sealed
                .access
                .map(|access| self.keys().open(GOOGLE_ACCESS_TOKEN, row, &access))
                .transpose()?,
            expires_at: maybe_timestamp(sealed.expires_at)?,
            scopes: from_json("scopes", &sealed.scopes)?,
        })
    }

    /// Stores refreshed tokens. A rotated refresh token must be stored before anything is asked
    /// with it: the old one may be worth nothing already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_google_tokens(
        &self,
        account: &AccountId,
        tokens: GoogleTokens,
    ) -> Result<(), StoreError> {
        let id = account.as_str().to_owned();
        let sealed = self.seal_tokens(&id, &tokens)?;
        self.write(move |conn| put_tokens(conn, &id, &sealed)).await
    }

    /// Notes whether an account works. Given no problem, the stored one goes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_google_status(
        &self,
        account: &AccountId,
        status: GoogleStatus,
        problem: Option<Problem>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let word = to_word("account status", &status)?;
        self.set_status(account, "Google account", word, problem, now)
            .await
    }

    /// Adds to an account's writes of a day (UTC) and returns the day's sum.
    ///
    /// # Errors
    /// [`StoreError::Sql`] for an account that is not there.
    pub async fn count_google_writes(
        &self,
        account: &AccountId,
        day: Date,
        writes: u32,
    ) -> Result<u64, StoreError> {
        let id = account.as_str().to_owned();
        self.write(move |conn| {
            let kept_from = day.saturating_sub(DAYS.days());
            conn.prepare_cached("DELETE FROM google_writes WHERE account_id = ?1 AND day < ?2")?
                .execute(params![id, kept_from.to_string()])?;
            let sum: i64 = conn
                .prepare_cached(
                    "INSERT INTO google_writes (account_id, day, count) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (account_id, day) DO UPDATE SET count = count + excluded.count \
                     RETURNING count",
                )?
                .query_row(params![id, day.to_string(), writes], |row| row.get(0))?;
            Ok(count(sum))
        })
        .await
    }

    /// An account's writes of a day (UTC).
    pub async fn google_writes(&self, account: &AccountId, day: Date) -> Result<u64, StoreError> {
        let id = account.as_str().to_owned();
        self.read(move |conn| {
            let sum: Option<i64> = conn
                .prepare_cached(
                    "SELECT count FROM google_writes WHERE account_id = ?1 AND day = ?2",
                )?
                .query_row([id, day.to_string()], |row| row.get(0))
                .optional()?;
            Ok(sum.map_or(0, count))
        })
        .await
    }

    fn seal_tokens(&self, id: &str, tokens: &GoogleTokens) -> Result<Sealed, StoreError> {
        Ok(Sealed {
            refresh: self
                .keys()
                .seal(GOOGLE_REFRESH_TOKEN, id, &tokens.refresh)?,
            access: tokens
                .access
                .as_ref()
                .map(|access| self.keys().seal(GOOGLE_ACCESS_TOKEN, id, access))
                .transpose()?,
            expires_at: tokens.expires_at.map(micros),
            scopes: to_json("scopes", &tokens.scopes)?,
        })
    }
}

fn put_tokens(conn: &Connection, id: &str, sealed: &Sealed) -> Result<(), StoreError> {
    let changed = conn.execute(
        "UPDATE google_account SET refresh_token = ?2, access_token = ?3, expires_at = ?4, \
         scopes = ?5 WHERE account_id = ?1",
        params![
            id,
            sealed.refresh,
            sealed.access,
            sealed.expires_at,
            sealed.scopes
        ],
    )?;
    found(changed, "Google account", id)
}

fn get(conn: &Connection, id: &str) -> Result<GoogleAccount, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE a.id = ?1"))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => account(row),
        None => Err(StoreError::not_found("Google account", id)),
    }
}

fn account(row: &Row<'_>) -> Result<GoogleAccount, StoreError> {
    Ok(GoogleAccount {
        id: AccountId::new(row.get::<_, String>(0)?),
        email: row.get(1)?,
        status: from_word("account status", &row.get::<_, String>(2)?)?,
        problem: row
            .get::<_, Option<String>>(3)?
            .map(|problem| from_json("problem", &problem))
            .transpose()?,
        scopes: from_json("scopes", &row.get::<_, String>(4)?)?,
        profile: from_json("account profile", &row.get::<_, String>(5)?)?,
        created_at: timestamp(row.get(6)?)?,
        checked_at: maybe_timestamp(row.get(7)?)?,
    })
}
