//! The core with its configuration and snapshots: what the HTTP shell and the
//! in-process handle share.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::Call;
use super::config::GoogleSimConfig;
use super::error::ApiError;
use super::params::Params;
use super::render::View;
use super::state::{Core, Role};
use super::wire::{Request, Response};
use super::{admin, facts, instances, list};

/// The state and how to get back to earlier ones.
#[derive(Debug)]
pub(super) struct Machine {
    config: GoogleSimConfig,
    pub(super) core: Core,
    snapshots: BTreeMap<String, Core>,
}

impl Machine {
    pub(super) fn new(config: GoogleSimConfig, wall: i64) -> Self {
        Self {
            core: Core::new(&config, wall),
            config,
            snapshots: BTreeMap::new(),
        }
    }

    /// Handles a request of either kind at the system time `wall`.
    pub(super) fn handle(&mut self, request: &Request, wall: i64) -> Response {
        if request.path.starts_with("/_sim/") {
            self.core.clock.observe(wall);
            return admin::handle(self, request);
        }
        self.core.handle(request, wall)
    }

    pub(super) fn snapshot(&mut self, name: &str) {
        self.snapshots.insert(name.to_owned(), self.core.clone());
    }

    /// False when there is no such snapshot.
    pub(super) fn restore(&mut self, name: &str) -> bool {
        match self.snapshots.get(name) {
            Some(core) => {
                self.core = core.clone();
                true
            }
            None => false,
        }
    }

    /// Back to the first state.
    pub(super) fn reset(&mut self) {
        self.core = Core::new(&self.config, self.core.clock.now());
    }
}

impl Core {
    /// All rows of a calendar, tombstones in full, as its owner would see them.
    pub(super) fn dump(&self, id: &str) -> Result<Vec<Value>, ApiError> {
        let calendar = self.calendar(id)?;
        let mut knobs = self.knobs.clone();
        knobs.bare_tombstones = false;
        let view = View {
            knobs: &knobs,
            calendar,
            account: &calendar.owner,
            role: Role::Owner,
            zone: calendar.zone(),
            max_attendees: None,
        };
        Ok(calendar.rows.values().map(|row| view.row(row)).collect())
    }

    /// A read as the account itself, without a request: `events.list`, or
    /// `events.instances` when an event is named.
    pub(super) fn look(
        &self,
        account: &str,
        calendar: &str,
        event: Option<&str>,
        query: &[(String, String)],
    ) -> Result<Value, ApiError> {
        let (calendar, role) = self.enter(account, calendar)?;
        let name = if event.is_some() {
            "events.instances"
        } else {
            "events.list"
        };
        let method = facts::facts()
            .methods
            .iter()
            .find(|method| method.id == name)
            .ok_or_else(ApiError::not_found)?;
        let params = Params::read(method, query, true)?;
        let call = Call {
            account,
            calendar,
            role,
            params: &params,
            if_match: None,
            person: true,
        };
        match event {
            Some(event) => instances::list(self, &call, event),
            None => list::list(self, &call),
        }
    }

    /// Changes what an account may do; the calendar's sync tokens of that
    /// account die, and its list entry changes.
    pub(super) fn set_role(
        &mut self,
        account: &str,
        calendar: &str,
        role: Role,
    ) -> Result<(), ApiError> {
        let id = if calendar == "primary" {
            account
        } else {
            calendar
        };
        if !self.calendars.contains_key(id) {
            return Err(ApiError::not_found());
        }
        let listed = self
            .accounts
            .get(account)
            .ok_or_else(ApiError::not_found)?
            .entries
            .contains_key(id);
        if !listed {
            self.list_calendar(account, id, role, "#9fe1e7");
            return Ok(());
        }
        super::calendar_list::edit(self, account, id, |entry| {
            entry.deleted = role == Role::None;
        })?;
        if let Some(access) = self
            .accounts
            .get_mut(account)
            .and_then(|account| account.access.get_mut(id))
        {
            access.role = role;
            access.epoch += 1;
        }
        Ok(())
    }

    /// Removes tombstones older than `millis`; sync tokens from before die.
    pub(super) fn purge(&mut self, millis: i64) {
        let limit = self.clock.now() - millis;
        for calendar in self.calendars.values_mut() {
            let gone: Vec<(String, u64)> = calendar
                .rows
                .values()
                .filter(|row| row.cancelled && row.updated <= limit)
                .map(|row| (row.id.clone(), row.seq))
                .collect();
            for (id, seq) in gone {
                calendar.rows.remove(&id);
                calendar.purged_to = calendar.purged_to.max(seq);
            }
        }
    }
}
