//! What a run wrote, with what was there before: sealed, for undoing and nothing else. It may hold
//! what a privacy rule keeps from one side, so it leaves the store by
//! [`written_in`](sync_engine::ports::store::Store::written_in) only.

use rusqlite::{Connection, params};
use secrecy::{ExposeSecret as _, SecretString};
use sync_engine::model::{MappingId, RunId};
use sync_engine::ports::store::Undoable;

use crate::convert::{count, from_json, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::seal::Keys;
use crate::seal::columns::UNDO_IMAGE;

/// A sealed image and the name it is bound to.
pub(crate) struct Image {
    id: String,
    sealed: String,
}

impl Db {
    /// How many writes of a run can still be undone: 0 once their images are purged, or the mapping
    /// is gone.
    pub async fn undoable(&self, run: &RunId) -> Result<u64, StoreError> {
        let run = run.as_str().to_owned();
        self.read(move |conn| {
            let images = conn
                .prepare_cached("SELECT count(*) FROM undo WHERE run_id = ?1")?
                .query_row([run], |row| row.get(0))?;
            Ok(count(images))
        })
        .await
    }
}

/// Seals an image, on the caller's thread.
pub(crate) fn seal(keys: &Keys, undoable: &Undoable) -> Result<Image, StoreError> {
    let id = new_id("undo")?;
    let plain = SecretString::from(to_json("undo image", undoable)?);
    let sealed = keys.seal(UNDO_IMAGE, &id, &plain)?;
    Ok(Image { id, sealed })
}

pub(crate) fn add(
    conn: &Connection,
    mapping: &MappingId,
    run: &RunId,
    image: &Image,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO undo (id, mapping_id, run_id, image) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        image.id,
        mapping.as_str(),
        run.as_str(),
        image.sealed
    ])?;
    Ok(())
}

/// The images of a run, newest first.
pub(crate) fn images(
    conn: &Connection,
    mapping: &MappingId,
    run: &RunId,
) -> Result<Vec<Image>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, image FROM undo WHERE run_id = ?1 AND mapping_id = ?2 ORDER BY seq DESC",
    )?;
    let images = statement.query_map([run.as_str(), mapping.as_str()], |row| {
        Ok(Image {
            id: row.get(0)?,
            sealed: row.get(1)?,
        })
    })?;
    Ok(images.collect::<Result<_, _>>()?)
}

/// Opens images, on the caller's thread.
pub(crate) fn open(keys: &Keys, images: &[Image]) -> Result<Vec<Undoable>, StoreError> {
    images
        .iter()
        .map(|image| {
            let plain = keys.open(UNDO_IMAGE, &image.id, &image.sealed)?;
            from_json("undo image", plain.expose_secret())
        })
        .collect()
}
