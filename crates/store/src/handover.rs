//! Handing a mapping's copies over to the mappings that stand by for the same event, before it is
//! removed. One event in the target calendar stays one: the heir's next run takes it over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sync_engine::model::{Caldav, Google, MappingId, Side, SideTag, Uid};
use sync_engine::row::{Row, RowKey, RowState};

use crate::convert::{from_json, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::mappings;
use crate::records::MappingSettings;
use crate::rows;

/// A row of another mapping of the same target calendar, with the same UID.
struct Heir {
    mapping: String,
    row: Row,
}

impl Db {
    /// Puts the link and the generation of every copy of this mapping into the row of a mapping that
    /// stands by for the same UID in the same target calendar, and makes that row due at `now`.
    /// Heirs are enabled and write that side; of several the oldest takes it. The mapping's own rows
    /// stay as they are.
    ///
    /// Returns the UIDs whose copies belong to another mapping from now on, so that removing this
    /// mapping's copies has to spare them. Called again, after a crash, it says the same, also when
    /// an heir has taken its event over in between.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn hand_over(
        &self,
        mapping: &MappingId,
        now: Timestamp,
    ) -> Result<Vec<Uid>, StoreError> {
        let mapping = mapping.clone();
        self.write(move |conn| {
            mappings::must_exist(conn, mapping.as_str())?;
            let mut uids = side::<Caldav>(conn, &mapping, now)?;
            uids.extend(side::<Google>(conn, &mapping, now)?);
            uids.sort();
            uids.dedup();
            Ok(uids)
        })
        .await
    }
}

/// Hands over the copies on side `S`.
fn side<S: SideTag>(
    conn: &Connection,
    mapping: &MappingId,
    now: Timestamp,
) -> Result<Vec<Uid>, StoreError> {
    let mut writers = BTreeMap::new();
    let mut uids = Vec::new();
    for (row, heirs) in families::<S>(conn, mapping)?.into_values() {
        let Some(link) = row.link::<S>() else {
            continue;
        };
        let taken = heirs.iter().any(|heir| {
            heir.row
                .link::<S>()
                .is_some_and(|theirs| theirs.keys.iter().any(|key| link.keys.contains(key)))
        });
        if taken {
            uids.push(row.uid);
            continue;
        }
        for mut heir in heirs {
            if heir.row.state != RowState::Standby || heir.row.copy == Some(S::SIDE.other()) {
                continue;
            }
            let writes = if let Some(known) = writers.get(&heir.mapping) {
                *known
            } else {
                let settings = mappings::get(conn, &heir.mapping)?.settings;
                let writes = may_write(&settings, S::SIDE);
                writers.insert(heir.mapping.clone(), writes);
                writes
            };
            if writes {
                heir.row.copy = Some(S::SIDE);
                heir.row.generation = row.generation;
                *heir.row.link_mut::<S>() = Some(link.clone());
                heir.row.due = Some(now);
                rows::put(conn, &heir.mapping, &heir.row)?;
                uids.push(row.uid);
                break;
            }
        }
    }
    Ok(uids)
}

/// The mapping's rows whose copy is on side `S`, each with the rows of the same UID that other
/// mappings of that calendar have, the oldest mapping's first.
fn families<S: SideTag>(
    conn: &Connection,
    mapping: &MappingId,
) -> Result<BTreeMap<RowKey, (Row, Vec<Heir>)>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT r.body, o.id, h.body \
         FROM mapping m JOIN calendar c ON c.id IN (m.caldav_calendar_id, m.google_calendar_id) \
         JOIN calendar t ON t.side = c.side AND t.remote = c.remote \
         JOIN mapping o ON t.id IN (o.caldav_calendar_id, o.google_calendar_id) AND o.id <> m.id \
         CROSS JOIN sync_row h ON h.mapping_id = o.id \
         JOIN sync_row r ON r.mapping_id = m.id AND r.uid = h.uid \
         WHERE m.id = ?1 AND c.side = ?2 ORDER BY o.created_at, o.id, h.key",
    )?;
    let side = to_word("side", &S::SIDE)?;
    let mut found = statement.query(params![mapping.as_str(), side])?;
    let mut families = BTreeMap::new();
    while let Some(columns) = found.next()? {
        let row: Row = from_json("row", &columns.get::<_, String>(0)?)?;
        if row.copy != Some(S::SIDE) {
            continue;
        }
        let heir = Heir {
            mapping: columns.get(1)?,
            row: from_json("row", &columns.get::<_, String>(2)?)?,
        };
        let family = families
            .entry(row.key.clone())
            .or_insert_with(|| (row, Vec::new()));
        family.1.push(heir);
    }
    Ok(families)
}

fn may_write(settings: &MappingSettings, side: Side) -> bool {
    settings.enabled && settings.direction.leads_to(side)
}
