//! The engine's store port on [`Db`]: each method hands owned values to a database thread. What
//! they do there is in `mirror`, `rows`, `intents`, `conflicts`, `undo` and `runs`.

use sync_engine::conflict::Decision;
use sync_engine::mirror::{CalendarState, Mirrored, Reading};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Google, MappingId, ResourceId, RunId, SeriesKey, SideTag, Uid};
use sync_engine::ports::store::{
    CalendarKey, ChangeSet, Intent, MappingState, Marks, Namesake, Settlement, Store, Undoable,
    Versions,
};
use sync_engine::report::RunReport;
use sync_engine::row::{Row, RowKey};

use crate::db::Db;
use crate::error::StoreError;
use crate::{conflicts, intents, mappings, mirror, rows, runs, undo};

/// Most resources that one transaction takes in, so that a first reading of a big calendar does not
/// keep other mappings waiting.
const PART: usize = 1000;

impl Store for Db {
    type Error = StoreError;

    async fn calendar<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
    ) -> Result<CalendarState<S>, StoreError> {
        let calendar = calendar.clone();
        self.read(move |conn| mirror::calendar(conn, &calendar))
            .await
    }

    async fn versions<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        only: Option<&[ResourceId<S>]>,
    ) -> Result<Versions<S>, StoreError> {
        let (calendar, only) = (calendar.clone(), only.map(<[_]>::to_vec));
        self.read(move |conn| mirror::versions(conn, &calendar, only.as_deref()))
            .await
    }

    async fn record<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        reading: Reading<S>,
    ) -> Result<(), StoreError> {
        let Reading {
            at,
            mut seen,
            unlisted,
            mut same,
            shown,
            end,
        } = reading;
        loop {
            let rest = seen.split_off(seen.len().min(PART));
            let last = rest.is_empty();
            let part = Reading {
                at,
                seen,
                unlisted: unlisted.clone(),
                same: if last {
                    std::mem::take(&mut same)
                } else {
                    Vec::new()
                },
                shown,
                // The cursor stands for everything before it.
                end: if last { end.clone() } else { None },
            };
            let calendar = calendar.clone();
            self.write(move |conn| mirror::record::record(conn, &calendar, &part))
                .await?;
            if last {
                return Ok(());
            }
            seen = rest;
        }
    }

    async fn absent<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        after: Timestamp,
    ) -> Result<Vec<(ResourceId<S>, Timestamp)>, StoreError> {
        let calendar = calendar.clone();
        self.read(move |conn| mirror::absent(conn, &calendar, after))
            .await
    }

    async fn mirrored<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        series: &[SeriesKey<S>],
    ) -> Result<Vec<Mirrored<S>>, StoreError> {
        let (calendar, series) = (calendar.clone(), series.to_vec());
        self.read(move |conn| mirror::mirrored(conn, &calendar, &series))
            .await
    }

    async fn series_by_uid<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> Result<Vec<(Uid, SeriesKey<S>)>, StoreError> {
        let (calendar, uids) = (calendar.clone(), uids.to_vec());
        self.read(move |conn| mirror::series_by_uid(conn, &calendar, &uids))
            .await
    }

    async fn series_by_origin<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uid_hashes: &[String],
    ) -> Result<Vec<(String, SeriesKey<S>)>, StoreError> {
        let (calendar, hashes) = (calendar.clone(), uid_hashes.to_vec());
        self.read(move |conn| mirror::series_by_origin(conn, &calendar, &hashes))
            .await
    }

    async fn changes(
        &self,
        mapping: &MappingId,
        caldav: &CalendarKey<Caldav>,
        google: &CalendarKey<Google>,
        now: Timestamp,
        everything: bool,
    ) -> Result<ChangeSet, StoreError> {
        let (mapping, caldav, google) = (mapping.clone(), caldav.clone(), google.clone());
        self.read(move |conn| rows::changes(conn, &mapping, &caldav, &google, now, everything))
            .await
    }

    async fn rows(
        &self,
        mapping: &MappingId,
        keys: &[RowKey],
        caldav: &[SeriesKey<Caldav>],
        google: &[SeriesKey<Google>],
    ) -> Result<Vec<Row>, StoreError> {
        let (mapping, keys) = (mapping.clone(), keys.to_vec());
        let (caldav, google) = (caldav.to_vec(), google.to_vec());
        self.read(move |conn| rows::find(conn, &mapping, &keys, &caldav, &google))
            .await
    }

    async fn tracked(&self, mapping: &MappingId) -> Result<u64, StoreError> {
        let mapping = mapping.clone();
        self.read(move |conn| rows::tracked(conn, &mapping)).await
    }

    async fn namesakes<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> Result<Vec<Namesake>, StoreError> {
        let (calendar, uids) = (calendar.clone(), uids.to_vec());
        self.read(move |conn| rows::namesakes(conn, &calendar, &uids))
            .await
    }

    async fn decisions(&self, mapping: &MappingId) -> Result<Vec<Decision>, StoreError> {
        let mapping = mapping.clone();
        self.read(move |conn| conflicts::decisions(conn, &mapping))
            .await
    }

    async fn written_in(
        &self,
        mapping: &MappingId,
        run: &RunId,
    ) -> Result<Vec<Undoable>, StoreError> {
        let (mapping, run) = (mapping.clone(), run.clone());
        let sealed = self
            .read(move |conn| undo::images(conn, &mapping, &run))
            .await?;
        undo::open(self.keys(), &sealed)
    }

    async fn open_intents(&self, mapping: &MappingId) -> Result<Vec<Intent>, StoreError> {
        let mapping = mapping.clone();
        self.read(move |conn| intents::open(conn, &mapping)).await
    }

    async fn intend(&self, mapping: &MappingId, intent: &Intent) -> Result<(), StoreError> {
        let (mapping, intent) = (mapping.clone(), intent.clone());
        self.write(move |conn| {
            mappings::must_exist(conn, mapping.as_str())?;
            intents::intend(conn, &mapping, &intent)
        })
        .await
    }

    async fn settle(
        &self,
        mapping: &MappingId,
        run: &RunId,
        settlement: Settlement,
    ) -> Result<(), StoreError> {
        let (mapping, run) = (mapping.clone(), run.clone());
        let image = settlement.undo.as_ref();
        let image = image.map(|image| undo::seal(self.keys(), image));
        let image = image.transpose()?;
        self.write(move |conn| {
            intents::settle(conn, &mapping, &run, &settlement)?;
            match image {
                Some(image) => undo::add(conn, &mapping, &run, &image),
                None => Ok(()),
            }
        })
        .await
    }

    async fn planned(
        &self,
        mapping: &MappingId,
        upto: Marks,
        state: MappingState,
    ) -> Result<(), StoreError> {
        let mapping = mapping.clone();
        self.write(move |conn| {
            mappings::must_exist(conn, mapping.as_str())?;
            intents::planned(conn, &mapping, upto, state)
        })
        .await
    }

    async fn mapping_state(&self, mapping: &MappingId) -> Result<MappingState, StoreError> {
        let mapping = mapping.clone();
        self.read(move |conn| intents::mapping_state(conn, &mapping))
            .await
    }

    async fn finish(&self, mapping: &MappingId, report: &RunReport) -> Result<(), StoreError> {
        let (mapping, report) = (mapping.clone(), report.clone());
        self.write(move |conn| runs::finish(conn, mapping.as_str(), &report))
            .await
    }
}
