//! The mappings of the file: made once, changed in place, switched off when they are gone.

use std::collections::BTreeSet;

use store::records::{Calendar, Mapping};
use sync_engine::model::MappingId;

use super::names::Known;
use super::{Declared, DeclaredMapping, PendingKind, Round};
use crate::error::{Kind, UserError};
use crate::mappings::check;
use crate::service::App;

impl App {
    /// Makes, changes and lets go of mappings.
    pub(super) async fn settle_mappings(
        &self,
        declared: &Declared,
        round: &mut Round,
    ) -> Result<(), UserError> {
        round.names.retain(&self.inner.db.mappings().await?);
        let mut claimed = BTreeSet::new();
        for wanted in &declared.mappings {
            match self
                .settle_mapping(wanted, declared, &mut claimed, round)
                .await
            {
                Ok(id) => {
                    let known = Known {
                        id,
                        caldav: wanted.caldav.clone(),
                        google: wanted.google.clone(),
                    };
                    round.names.mappings.insert(wanted.name.clone(), known);
                }
                Err(error) => round.waits(PendingKind::Mapping, &wanted.name, error)?,
            }
        }
        for gone in self.inner.db.mappings().await? {
            if gone.managed && !claimed.contains(&gone.id) {
                self.release_mapping(&gone).await?;
            }
        }
        Ok(())
    }

    async fn settle_mapping(
        &self,
        wanted: &DeclaredMapping,
        declared: &Declared,
        claimed: &mut BTreeSet<MappingId>,
        round: &mut Round,
    ) -> Result<MappingId, UserError> {
        let stored = self.inner.db.mappings().await?;
        let free = |mapping: &&Mapping| !claimed.contains(&mapping.id);
        let known = round.names.mappings.get(&wanted.name).cloned();
        let by_name = known.as_ref().and_then(|known| {
            let mut free = stored.iter().filter(free);
            free.find(|mapping| mapping.id == known.id)
        });
        // Both are looked for, so that both accounts are asked at once.
        let caldav = self.declared_caldav(&wanted.caldav, declared, round).await;
        let google = self.declared_google(&wanted.google, round).await;
        let calendars = caldav.and_then(|caldav| Ok((caldav, google?)));
        let (caldav, google) = match calendars {
            Ok(calendars) => calendars,
            Err(error) => {
                // Named as ever: it keeps the calendars it has, even if they are called otherwise
                // by now. Named anew, it is another mapping, and the old one goes.
                if let (Some(mapping), Some(known)) = (by_name, &known)
                    && known.caldav == wanted.caldav
                    && known.google == wanted.google
                {
                    claimed.insert(mapping.id.clone());
                    if error.code != super::calendars::NOT_DECLARED {
                        self.bring_mapping_in_line(mapping, wanted).await?;
                    }
                }
                return Err(error);
            }
        };
        let joins = |mapping: &&Mapping| {
            mapping.caldav.facts.remote == caldav.facts.remote
                && mapping.google.facts.remote == google.facts.remote
        };
        let same = by_name
            .filter(joins)
            .or_else(|| stored.iter().filter(free).find(joins));
        if let Some(same) = same {
            // Also when the change is refused: it is the one that the file means.
            claimed.insert(same.id.clone());
            if same.caldav.account != caldav.account || same.google.account != google.account {
                return Err(through_another_account(same));
            }
            self.bring_mapping_in_line(same, wanted).await?;
            return Ok(same.id.clone());
        }
        let id = self.make_declared(wanted, caldav, google).await?;
        claimed.insert(id.clone());
        Ok(id)
    }

    async fn make_declared(
        &self,
        wanted: &DeclaredMapping,
        caldav: Calendar,
        google: Calendar,
    ) -> Result<MappingId, UserError> {
        check(&wanted.settings)?;
        let made = self
            .join_calendars(caldav, google, wanted.settings.clone(), true)
            .await?;
        tracing::info!(mapping_id = %made.id, name = %wanted.name, "config.yaml: a mapping was made");
        Ok(made.id)
    }

    async fn bring_mapping_in_line(
        &self,
        known: &Mapping,
        wanted: &DeclaredMapping,
    ) -> Result<(), UserError> {
        if known.managed && known.settings == wanted.settings {
            return Ok(());
        }
        check(&wanted.settings)?;
        self.set_mapping(known, wanted.settings.clone(), true)
            .await?;
        tracing::info!(mapping_id = %known.id, name = %wanted.name, "config.yaml: a mapping was changed");
        Ok(())
    }

    /// A mapping that is gone from the file: switched off and left to the pages, its copies stay.
    async fn release_mapping(&self, gone: &Mapping) -> Result<(), UserError> {
        let mut settings = gone.settings.clone();
        settings.enabled = false;
        self.inner.queue.stop(&gone.id);
        self.inner
            .db
            .set_mapping(&gone.id, settings, false, self.now())
            .await?;
        tracing::warn!(mapping_id = %gone.id, name = ?gone.settings.name, "config.yaml no longer has this mapping: it is off, its copies stay");
        Ok(())
    }
}

/// A mapping keeps the accounts it reads its calendars by.
fn through_another_account(mapping: &Mapping) -> UserError {
    UserError::new(
        Kind::Conflict,
        "mapping_exists",
        "These calendars are mapped already",
        format!(
            "\"{}\" and \"{}\" are joined already, and read by other accounts.",
            mapping.caldav.facts.name, mapping.google.facts.name
        ),
        "Keep the account's name in config.yaml and change its address, user or password under it; \
         or delete the mapping that is there.",
    )
}
