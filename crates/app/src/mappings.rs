//! Mappings: made, changed, deleted; circles and doubles refused.

use std::collections::{BTreeMap, BTreeSet};

use store::records::{Calendar, Direction, Mapping, MappingSettings, NewMapping};
use sync_engine::model::{MappingId, Side, ZoneName};

use crate::error::{Kind, UserError};
use crate::service::App;

/// A mapping to be made or changed; settings are whole (the caller starts from the stored ones).
#[derive(Debug, Clone, PartialEq)]
pub struct MappingInput {
    /// The mapping to change; `None` makes one.
    pub id: Option<String>,
    /// Id of the CalDAV calendar; with `id` it may be left out.
    pub caldav_calendar_id: Option<String>,
    /// Id of the Google calendar; with `id` it may be left out.
    pub google_calendar_id: Option<String>,
    /// Every setting.
    pub settings: MappingSettings,
}

/// What becomes of a mapping's copies when it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mirrored {
    /// They stay.
    #[default]
    Keep,
    /// They are removed.
    Remove,
}

impl App {
    /// All mappings.
    pub async fn mappings(&self) -> Result<Vec<Mapping>, UserError> {
        Ok(self.inner.db.mappings().await?)
    }

    /// One mapping.
    pub async fn mapping(&self, id: &str) -> Result<Mapping, UserError> {
        Ok(self.inner.db.mapping(&MappingId::new(id)).await?)
    }

    /// Makes or changes a mapping. Returns it, and whether it was made.
    pub async fn put_mapping(&self, input: MappingInput) -> Result<(Mapping, bool), UserError> {
        check(&input.settings)?;
        match &input.id {
            Some(id) => Ok((self.change_mapping(id, &input).await?, false)),
            None => Ok((self.make_mapping(&input).await?, true)),
        }
    }

    async fn make_mapping(&self, input: &MappingInput) -> Result<Mapping, UserError> {
        let caldav = self
            .calendar(
                input.caldav_calendar_id.as_deref(),
                "caldav_calendar_id",
                Side::Caldav,
            )
            .await?;
        let google = self
            .calendar(
                input.google_calendar_id.as_deref(),
                "google_calendar_id",
                Side::Google,
            )
            .await?;
        writable(&input.settings, &caldav, &google)?;
        let others = self.inner.db.mappings().await?;
        if let Some(other) = others.iter().find(|other| {
            other.caldav.facts.remote == caldav.facts.remote
                && other.google.facts.remote == google.facts.remote
        }) {
            return Err(UserError::new(
                Kind::Conflict,
                "mapping_exists",
                "These calendars are mapped already",
                format!(
                    "\"{}\" and \"{}\" are joined by another mapping.",
                    caldav.facts.name, google.facts.name
                ),
                "Change that mapping, or choose other calendars.",
            )
            .with("mapping_id", other.id.as_str()));
        }
        no_circle(&others, None, &caldav, &google, input.settings.direction)?;
        let mapping = self
            .inner
            .db
            .add_mapping(
                NewMapping {
                    caldav_calendar_id: caldav.id,
                    google_calendar_id: google.id,
                    settings: input.settings.clone(),
                    managed: false,
                },
                self.now(),
            )
            .await?;
        self.inner.wake.notify_one();
        Ok(mapping)
    }

    async fn change_mapping(&self, id: &str, input: &MappingInput) -> Result<Mapping, UserError> {
        let id = MappingId::new(id);
        let stored = self.inner.db.mapping(&id).await?;
        let other = |given: &Option<String>, known: &Calendar| {
            given.as_ref().is_some_and(|given| *given != known.id)
        };
        if other(&input.caldav_calendar_id, &stored.caldav)
            || other(&input.google_calendar_id, &stored.google)
        {
            return Err(UserError::new(
                Kind::Unacceptable,
                "calendar_fixed",
                "A mapping keeps its calendars",
                "The calendars of a mapping cannot be exchanged: its copies belong to them.",
                "Make a new mapping for the other calendars, and delete this one if it is no longer \
                 wanted.",
            ));
        }
        writable(&input.settings, &stored.caldav, &stored.google)?;
        let others = self.inner.db.mappings().await?;
        no_circle(
            &others,
            Some(&id),
            &stored.caldav,
            &stored.google,
            input.settings.direction,
        )?;
        let mapping = self
            .inner
            .db
            .set_mapping(&id, input.settings.clone(), stored.managed, self.now())
            .await?;
        if !mapping.settings.enabled {
            self.inner.queue.stop(&id);
        }
        self.inner.queue.person_asked(&id);
        self.inner.wake.notify_one();
        Ok(mapping)
    }

    /// Switches a mapping on or off. Off stops its run before the next write and keeps its copies.
    pub async fn enable_mapping(&self, id: &str, enabled: bool) -> Result<Mapping, UserError> {
        let id = MappingId::new(id);
        let mapping = self
            .inner
            .db
            .enable_mapping(&id, enabled, self.now())
            .await?;
        if enabled {
            self.inner.queue.person_asked(&id);
            self.inner.wake.notify_one();
        } else {
            self.inner.queue.stop(&id);
        }
        Ok(mapping)
    }

    /// Deletes a mapping once no run of it is under way. Its copies stay, or are removed first.
    pub async fn delete_mapping(&self, id: &str, mirrored: Mirrored) -> Result<(), UserError> {
        let id = MappingId::new(id);
        let mapping = self.inner.db.mapping(&id).await?;
        self.inner.db.enable_mapping(&id, false, self.now()).await?;
        self.inner.queue.stop(&id);
        let _quiet = self.accounts_of(&mapping).await;
        if mirrored == Mirrored::Remove {
            self.remove_copies(&mapping).await?;
        }
        self.inner.db.delete_mapping(&id).await?;
        Ok(())
    }

    async fn calendar(
        &self,
        id: Option<&str>,
        field: &str,
        side: Side,
    ) -> Result<Calendar, UserError> {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Err(UserError::invalid(field, "Choose a calendar."));
        };
        match self.inner.db.calendar_by_id(id).await {
            Ok(calendar) if calendar.side == side => Ok(calendar),
            _ => Err(UserError::invalid(
                field,
                "There is no such calendar. Load the list of calendars again.",
            )),
        }
    }
}

/// Settings that no mapping can have.
fn check(settings: &MappingSettings) -> Result<(), UserError> {
    if settings.direction != Direction::CaldavToGoogle {
        return Err(UserError::invalid(
            "direction",
            "This version syncs from CalDAV to Google only (caldav_to_google).",
        ));
    }
    if settings.window.past_days > 36_500 || settings.window.future_days > 36_500 {
        return Err(UserError::invalid(
            "window",
            "At most 36500 days (a hundred years) each way.",
        ));
    }
    if settings.deletion_limit.percent > 100 {
        return Err(UserError::invalid("deletion_limit", "At most 100 percent."));
    }
    if let Some(zone) = &settings.time_zone
        && ZoneName::new(zone).is_none()
    {
        return Err(UserError::invalid(
            "time_zone",
            format!("{zone:?} is no time zone of the IANA database, such as Europe/Berlin."),
        ));
    }
    Ok(())
}

/// The side that is written must take writes.
fn writable(
    settings: &MappingSettings,
    caldav: &Calendar,
    google: &Calendar,
) -> Result<(), UserError> {
    let (field, target) = match settings.direction {
        Direction::CaldavToGoogle => ("google_calendar_id", vec![google]),
        Direction::GoogleToCaldav => ("caldav_calendar_id", vec![caldav]),
        Direction::Bidirectional => ("direction", vec![caldav, google]),
    };
    let Some(locked) = target.into_iter().find(|calendar| !calendar.facts.writable) else {
        return Ok(());
    };
    let detail = format!(
        "This account may read \"{}\" but not write to it.",
        locked.facts.name
    );
    Err(UserError {
        fields: UserError::invalid(field, detail.clone()).fields,
        ..UserError::new(
            Kind::Unacceptable,
            "calendar_not_writable",
            "The calendar may not be written",
            detail,
            "Choose a calendar of your own, or ask its owner for the right to make changes.",
        )
    })
}

/// Calendars that would feed each other in a circle are refused: each mapping is an arrow from the
/// calendar it reads to the calendar it writes.
fn no_circle(
    others: &[Mapping],
    this: Option<&MappingId>,
    caldav: &Calendar,
    google: &Calendar,
    direction: Direction,
) -> Result<(), UserError> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let others = others.iter().filter(|other| Some(&other.id) != this);
    let known = others.map(|other| (&other.caldav, &other.google, other.settings.direction));
    for (caldav, google, direction) in known.chain([(caldav, google, direction)]) {
        // A mapping both ways is one edge, not a circle of its own.
        if direction != Direction::GoogleToCaldav {
            let to = google.facts.remote.clone();
            arrows
                .entry(caldav.facts.remote.clone())
                .or_default()
                .insert(to);
        }
        if direction == Direction::GoogleToCaldav {
            let to = caldav.facts.remote.clone();
            arrows
                .entry(google.facts.remote.clone())
                .or_default()
                .insert(to);
        }
    }
    let (from, to) = if direction == Direction::GoogleToCaldav {
        (&google.facts.remote, &caldav.facts.remote)
    } else {
        (&caldav.facts.remote, &google.facts.remote)
    };
    let mut reached = BTreeSet::new();
    let mut ahead = vec![to.clone()];
    while let Some(next) = ahead.pop() {
        if next == *from {
            return Err(UserError::new(
                Kind::Conflict,
                "mapping_cycle",
                "The calendars would feed each other",
                "With this mapping, events would go round in a circle through other mappings.",
                "Turn one of the mappings around, or join the two calendars by one mapping that \
                 goes both ways.",
            ));
        }
        if reached.insert(next.clone()) {
            ahead.extend(arrows.get(&next).into_iter().flatten().cloned());
        }
    }
    Ok(())
}
