//! Mappings: made, changed, deleted; circles and doubles refused.

use std::collections::{BTreeMap, BTreeSet};

use store::records::{Calendar, Direction, Mapping, MappingSettings, NewMapping};
use sync_engine::model::{MappingId, RunId, Side, ZoneName};
use sync_engine::projection::Privacy;
use tokio::sync::oneshot;

use crate::declared::refuse_managed;
use crate::error::{FieldError, Kind, UserError};
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
        self.join_calendars(caldav, google, input.settings.clone(), false)
            .await
    }

    /// Makes a mapping of two calendars that are there.
    pub(crate) async fn join_calendars(
        &self,
        caldav: Calendar,
        google: Calendar,
        settings: MappingSettings,
        managed: bool,
    ) -> Result<Mapping, UserError> {
        writable(&settings, &caldav, &google)?;
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
        no_circle(&others, None, &caldav, &google, settings.direction)?;
        let mapping = self
            .inner
            .db
            .add_mapping(
                NewMapping {
                    caldav_calendar_id: caldav.id,
                    google_calendar_id: google.id,
                    settings,
                    managed,
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
        refuse_change(&stored)?;
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
        self.set_mapping(&stored, input.settings.clone(), stored.managed)
            .await
    }

    /// Gives a mapping other settings.
    pub(crate) async fn set_mapping(
        &self,
        stored: &Mapping,
        settings: MappingSettings,
        managed: bool,
    ) -> Result<Mapping, UserError> {
        writable(&settings, &stored.caldav, &stored.google).map_err(only_direction)?;
        let others = self.inner.db.mappings().await?;
        no_circle(
            &others,
            Some(&stored.id),
            &stored.caldav,
            &stored.google,
            settings.direction,
        )?;
        let mapping = self
            .inner
            .db
            .set_mapping(&stored.id, settings, managed, self.now())
            .await?;
        if !mapping.settings.enabled {
            self.inner.queue.stop(&stored.id);
        }
        self.inner.queue.person_changed(&stored.id);
        self.inner.wake.notify_one();
        Ok(mapping)
    }

    /// Switches a mapping on or off. Off stops its run before the next write and keeps its copies.
    pub async fn enable_mapping(&self, id: &str, enabled: bool) -> Result<Mapping, UserError> {
        let id = MappingId::new(id);
        refuse_change(&self.inner.db.mapping(&id).await?)?;
        self.switch_mapping(&id, enabled).await
    }

    /// The same, whoever manages it.
    pub(crate) async fn switch_mapping(
        &self,
        id: &MappingId,
        enabled: bool,
    ) -> Result<Mapping, UserError> {
        let mapping = self
            .inner
            .db
            .enable_mapping(id, enabled, self.now())
            .await?;
        if enabled {
            self.inner.queue.person_changed(id);
            self.inner.wake.notify_one();
        } else {
            self.inner.queue.stop(id);
        }
        Ok(mapping)
    }

    /// Deletes a mapping once no run of it is under way. Its copies stay, or are removed first, by a
    /// run that `begun` is told of.
    pub async fn delete_mapping(
        &self,
        id: &str,
        mirrored: Mirrored,
        begun: Option<oneshot::Sender<RunId>>,
    ) -> Result<(), UserError> {
        let id = MappingId::new(id);
        let mapping = self.inner.db.mapping(&id).await?;
        refuse_change(&mapping)?;
        // What its rows say is of the backup's day: removing by them is a write that nobody has seen.
        if mirrored == Mirrored::Remove && mapping.restored_at.is_some() {
            return Err(UserError::new(
                Kind::Conflict,
                "mapping_restored",
                "The mapping waits after a restore",
                format!(
                    "The mapping {id} comes from a backup, and the calendars have moved on since. \
                     Nothing is removed before you have seen what it would do."
                ),
                "Look at its preview and confirm it first, or delete it and keep the copies.",
            ));
        }
        self.inner.db.enable_mapping(&id, false, self.now()).await?;
        self.inner.queue.stop(&id);
        let _quiet = self.accounts_of(&mapping).await;
        // Whoever stands by for the same event takes its copy over: it stays the one it is.
        let handed_over = self.inner.db.hand_over(&id, self.now()).await?;
        if mirrored == Mirrored::Remove {
            self.remove_copies(&mapping, &handed_over, begun).await?;
        }
        self.inner.db.delete_mapping(&id).await?;
        self.inner.wake.notify_one();
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

/// What `config.yaml` declares is changed there.
fn refuse_change(mapping: &Mapping) -> Result<(), UserError> {
    let name = mapping.settings.name.as_deref();
    refuse_managed(
        mapping.managed,
        "mapping",
        name.unwrap_or(mapping.id.as_str()),
    )
}

/// Settings that no mapping can have.
///
/// # Errors
/// The first field at fault.
pub fn check(settings: &MappingSettings) -> Result<(), UserError> {
    if settings.window.past_days > 36_500 || settings.window.future_days > 36_500 {
        return Err(UserError::invalid(
            "window",
            "At most 36500 days (a hundred years) each way.",
        ));
    }
    if settings
        .name
        .as_ref()
        .is_some_and(|name| name.chars().count() > 200)
    {
        return Err(UserError::invalid("name", "At most 200 characters."));
    }
    if let Privacy::Template(template) = &settings.privacy
        && template.title.chars().count() > 500
    {
        return Err(UserError::invalid(
            "privacy",
            "A title has at most 500 characters.",
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

/// Every side that is written must take writes: the target, or both where events go both ways.
fn writable(
    settings: &MappingSettings,
    caldav: &Calendar,
    google: &Calendar,
) -> Result<(), UserError> {
    let (caldav, google) = (
        ("caldav_calendar_id", caldav),
        ("google_calendar_id", google),
    );
    let written = match settings.direction {
        Direction::CaldavToGoogle => vec![google],
        Direction::GoogleToCaldav => vec![caldav],
        Direction::Bidirectional => vec![caldav, google],
    };
    let faults: Vec<FieldError> = written
        .into_iter()
        .filter(|(_, calendar)| !calendar.facts.writable)
        .map(|(field, calendar)| FieldError {
            field: field.to_owned(),
            detail: format!(
                "This account may read \"{}\" but not write to it.",
                calendar.facts.name
            ),
        })
        .collect();
    let Some(first) = faults.first() else {
        return Ok(());
    };
    let action = if settings.direction == Direction::Bidirectional {
        "Choose a calendar of your own, ask its owner for the right to make changes, or let events \
         go one way only."
    } else {
        "Choose a calendar of your own, or ask its owner for the right to make changes."
    };
    let error = UserError::new(
        Kind::Unacceptable,
        "calendar_not_writable",
        "The calendar may not be written",
        first.detail.clone(),
        action,
    );
    Err(UserError {
        fields: faults,
        ..error
    })
}

/// The calendars of a mapping that is there cannot be exchanged: its direction is at fault.
fn only_direction(mut error: UserError) -> UserError {
    error.fields.truncate(1);
    for fault in &mut error.fields {
        "direction".clone_into(&mut fault.field);
    }
    error
}

/// Calendars that would feed each other in a circle are refused: each mapping is an arrow from the
/// calendar it reads to the calendar it writes, and one that goes both ways is two. Those two alone
/// make no circle: a path through the *others* that leads back does.
fn no_circle(
    others: &[Mapping],
    this: Option<&MappingId>,
    caldav: &Calendar,
    google: &Calendar,
    direction: Direction,
) -> Result<(), UserError> {
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for other in others.iter().filter(|other| Some(&other.id) != this) {
        for (from, to) in ways(&other.caldav, &other.google, other.settings.direction) {
            arrows.entry(from).or_default().insert(to);
        }
    }
    for (from, to) in ways(caldav, google, direction) {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![to];
        while let Some(next) = ahead.pop() {
            if next == from {
                return Err(UserError::new(
                    Kind::Conflict,
                    "mapping_cycle",
                    "The calendars would feed each other",
                    "With this mapping, events would go round in a circle through other mappings.",
                    "Turn one of the mappings around, or join the two calendars by one mapping \
                     that goes both ways.",
                ));
            }
            if reached.insert(next) {
                ahead.extend(arrows.get(next).into_iter().flatten().copied());
            }
        }
    }
    Ok(())
}

/// The arrows of a mapping, from a calendar that is read to one that is written.
fn ways<'a>(
    caldav: &'a Calendar,
    google: &'a Calendar,
    direction: Direction,
) -> Vec<(&'a str, &'a str)> {
    let there = (caldav.facts.remote.as_str(), google.facts.remote.as_str());
    let back = (there.1, there.0);
    match direction {
        Direction::CaldavToGoogle => vec![there],
        Direction::GoogleToCaldav => vec![back],
        Direction::Bidirectional => vec![there, back],
    }
}
