//! Taking readings into the mirror.
//!
//! A resource has at most one live row. When it shows another series than before, the row of the old
//! series is buried (`gone`), so that the planner hears of both. What is no event (`foreign`) has no
//! series and no change number: it is remembered by its version only. What was unreadable from the
//! start is a series of its own, named like the resource, until it can be read.

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use sync_engine::mirror::Reading;
use sync_engine::model::{Etag, ResourceId, SideTag};
use sync_engine::observation::{Observation, Seen};
use sync_engine::ports::store::CalendarKey;

use super::{UNLISTED, calendar_id};
use crate::convert::{micros, name_list, to_json, to_word};
use crate::error::StoreError;

/// Bytes of a body's hash that are compared.
const DIGEST: usize = 16;

/// A calendar while a reading is taken in.
struct Intake<'a> {
    conn: &'a Connection,
    calendar: i64,
    /// The last change number given.
    change: i64,
    /// Resources that are there, but for foreign ones.
    living: i64,
    at: i64,
    shown: bool,
}

/// What is known of a resource.
struct Known {
    id: i64,
    series: Option<String>,
    etag: Option<String>,
    state: State,
    reason: Option<String>,
    digest: Option<Vec<u8>>,
    shown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Unreadable,
    Foreign,
}

/// Takes in one reading, or a part of it.
pub(crate) fn record<S: SideTag>(
    conn: &Connection,
    key: &CalendarKey<S>,
    reading: &Reading<S>,
) -> Result<(), StoreError> {
    let calendar = match calendar_id(conn, key)? {
        Some(id) => id,
        None => conn.query_row(
            "INSERT INTO mirror_calendar (side, account_id, remote) VALUES (?1, ?2, ?3) \
             RETURNING id",
            params![
                to_word("side", &S::SIDE)?,
                key.account.as_str(),
                key.calendar.as_str()
            ],
            |row| row.get(0),
        )?,
    };
    let (change, living) = conn
        .prepare_cached("SELECT change, living FROM mirror_calendar WHERE id = ?1")?
        .query_row([calendar], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut intake = Intake {
        conn,
        calendar,
        change,
        living,
        at: micros(reading.at),
        shown: reading.shown,
    };
    for seen in &reading.seen {
        intake.take(seen, reading.unlisted.contains(seen.resource()))?;
    }
    if !reading.same.is_empty() {
        intake.shown(&reading.same)?;
    }
    conn.prepare_cached("UPDATE mirror_calendar SET change = ?2, living = ?3 WHERE id = ?1")?
        .execute([calendar, intake.change, intake.living])?;
    if let Some(end) = &reading.end {
        conn.prepare_cached(
            "UPDATE mirror_calendar SET cursor = ?2, read_at = ?3, \
             listed_at = CASE WHEN ?4 THEN ?3 ELSE listed_at END WHERE id = ?1",
        )?
        .execute(params![
            calendar,
            end.cursor.as_ref().map(sync_engine::model::Cursor::as_str),
            intake.at,
            end.complete
        ])?;
    }
    Ok(())
}

impl Intake<'_> {
    fn take<S: SideTag>(&mut self, seen: &Seen<S>, unlisted: bool) -> Result<(), StoreError> {
        let known = self.known(seen.resource().as_str())?;
        match seen {
            Seen::Present(observation) => self.present(known, observation),
            Seen::Unreadable {
                resource,
                etag,
                reason,
            } => self.unreadable(known, resource, etag.as_ref(), reason),
            Seen::Foreign { resource, etag } => self.foreign(known, resource, etag.as_ref()),
            Seen::Gone { .. } => match known {
                Some(known) => self.bury(&known, unlisted.then_some(UNLISTED)),
                None => Ok(()),
            },
        }
    }

    /// Versions that the mirror holds were named by a listing: what only a write's answer had shown
    /// until now is shown. That is little or nothing, so it is asked for first.
    fn shown<S: SideTag>(&self, same: &[ResourceId<S>]) -> Result<(), StoreError> {
        let unshown = self
            .conn
            .prepare_cached(
                "SELECT 1 FROM mirror WHERE calendar_id = ?1 AND shown = 0 AND state <> 'gone'",
            )?
            .exists([self.calendar])?;
        if unshown {
            let names = name_list(same.iter().map(ResourceId::as_str))?;
            self.conn
                .prepare_cached(
                    "UPDATE mirror SET shown = 1 WHERE calendar_id = ?1 AND shown = 0 \
                     AND state <> 'gone' AND resource IN (SELECT value FROM json_each(?2))",
                )?
                .execute(params![self.calendar, names])?;
        }
        Ok(())
    }

    /// The live row of a resource.
    fn known(&self, resource: &str) -> Result<Option<Known>, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT id, series, etag, state, reason, digest, shown FROM mirror \
                 WHERE calendar_id = ?1 AND resource = ?2 AND state <> 'gone'",
            )?
            .query_row(params![self.calendar, resource], |row| {
                Ok(Known {
                    id: row.get(0)?,
                    series: row.get(1)?,
                    etag: row.get(2)?,
                    state: match row.get::<_, String>(3)?.as_str() {
                        "present" => State::Present,
                        "unreadable" => State::Unreadable,
                        _ => State::Foreign,
                    },
                    reason: row.get(4)?,
                    digest: row.get(5)?,
                    shown: row.get(6)?,
                })
            })
            .optional()?)
    }

    fn present<S: SideTag>(
        &mut self,
        known: Option<Known>,
        observation: &Observation<S>,
    ) -> Result<(), StoreError> {
        let body = to_json("observation", observation)?;
        let digest = Sha256::digest(body.as_bytes());
        let digest = digest.get(..DIGEST).unwrap_or_default();
        let series = observation.series.as_str();
        let resource = observation.resource.as_str();
        let (id, shown) = match known {
            Some(known) if known.series.as_deref() == Some(series) => {
                if known.state == State::Present && known.digest.as_deref() == Some(digest) {
                    return self.same(&known);
                }
                (Some(known.id), self.shown || known.shown)
            }
            other => {
                if let Some(other) = other {
                    self.bury(&other, None)?;
                }
                self.living += 1;
                (self.buried(resource, Some(series))?, self.shown)
            }
        };
        let id = match id {
            Some(id) => id,
            None => self.insert(resource)?,
        };
        self.change += 1;
        self.conn
            .prepare_cached(
                "UPDATE mirror SET series = ?2, uid = ?3, origin = ?4, etag = ?5, \
                 state = 'present', reason = NULL, digest = ?6, shown = ?7, since = ?8, \
                 change = ?9 WHERE id = ?1",
            )?
            .execute(params![
                id,
                series,
                observation.uid.as_str(),
                observation.tag.as_ref().map(|tag| tag.uid_hash.as_str()),
                observation.etag.as_ref().map(Etag::as_str),
                digest,
                shown,
                self.at,
                self.change,
            ])?;
        self.conn
            .prepare_cached(
                "INSERT INTO mirror_body (id, observation) VALUES (?1, ?2) \
                 ON CONFLICT (id) DO UPDATE SET observation = excluded.observation",
            )?
            .execute(params![id, body])?;
        Ok(())
    }

    fn unreadable<S: SideTag>(
        &mut self,
        known: Option<Known>,
        resource: &ResourceId<S>,
        etag: Option<&Etag<S>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        let etag = etag.map(Etag::as_str);
        let (id, shown) = match known {
            Some(known) if known.state != State::Foreign => {
                if known.state == State::Unreadable
                    && known.etag.as_deref() == etag
                    && known.reason.as_deref() == Some(reason)
                {
                    return self.same(&known);
                }
                (Some(known.id), self.shown || known.shown)
            }
            other => {
                if let Some(other) = other {
                    self.bury(&other, None)?;
                }
                self.living += 1;
                // Where an event was before, this may well be it again: its series sits out.
                (self.buried(resource.as_str(), None)?, self.shown)
            }
        };
        let id = match id {
            Some(id) => id,
            None => self.insert(resource.as_str())?,
        };
        self.change += 1;
        self.conn
            .prepare_cached(
                "UPDATE mirror SET series = coalesce(series, resource), state = 'unreadable', \
                 etag = ?2, reason = ?3, shown = ?4, since = ?5, change = ?6 WHERE id = ?1",
            )?
            .execute(params![id, etag, reason, shown, self.at, self.change])?;
        Ok(())
    }

    fn foreign<S: SideTag>(
        &mut self,
        known: Option<Known>,
        resource: &ResourceId<S>,
        etag: Option<&Etag<S>>,
    ) -> Result<(), StoreError> {
        let id = match known {
            Some(known) if known.state == State::Foreign => known.id,
            // What was an event is one no more: for its series it is gone.
            other => {
                if let Some(other) = other {
                    self.bury(&other, None)?;
                }
                self.insert(resource.as_str())?
            }
        };
        self.conn
            .prepare_cached("UPDATE mirror SET etag = ?2 WHERE id = ?1")?
            .execute(params![id, etag.map(Etag::as_str)])?;
        Ok(())
    }

    /// Nothing changed, but a reading may have shown now what only a write's answer had shown.
    fn same(&self, known: &Known) -> Result<(), StoreError> {
        if self.shown && !known.shown {
            self.conn
                .prepare_cached("UPDATE mirror SET shown = 1 WHERE id = ?1")?
                .execute([known.id])?;
        }
        Ok(())
    }

    /// The resource is no longer there, or no longer of this series. `shown` stays: it says whether
    /// the life that has ended was ever seen.
    fn bury(&mut self, known: &Known, why: Option<&str>) -> Result<(), StoreError> {
        if known.state == State::Foreign {
            self.conn
                .prepare_cached("DELETE FROM mirror WHERE id = ?1")?
                .execute([known.id])?;
            return Ok(());
        }
        self.living -= 1;
        self.change += 1;
        self.conn
            .prepare_cached(
                "UPDATE mirror SET state = 'gone', reason = ?4, since = ?2, change = ?3 \
                 WHERE id = ?1",
            )?
            .execute(params![known.id, self.at, self.change, why])?;
        Ok(())
    }

    /// The buried row of a resource, of this series or the last of any.
    fn buried(&self, resource: &str, series: Option<&str>) -> Result<Option<i64>, StoreError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT id FROM mirror WHERE calendar_id = ?1 AND resource = ?2 \
                 AND state = 'gone' AND (?3 IS NULL OR series = ?3) ORDER BY change DESC LIMIT 1",
            )?
            .query_row(params![self.calendar, resource, series], |row| row.get(0))
            .optional()?)
    }

    /// A new row; the caller says at once what it is.
    fn insert(&self, resource: &str) -> Result<i64, StoreError> {
        self.conn
            .prepare_cached(
                "INSERT INTO mirror (calendar_id, resource, state, shown, since, change) \
                 VALUES (?1, ?2, 'foreign', ?3, ?4, 0)",
            )?
            .execute(params![self.calendar, resource, self.shown, self.at])?;
        Ok(self.conn.last_insert_rowid())
    }
}
