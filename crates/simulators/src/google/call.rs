//! One API call inside the core: who calls what, with which parameters. Made
//! by the dispatcher (or for a person's edit by the handle), read by the methods.

use serde_json::{Map, Value};

use super::error::ApiError;
use super::params::Params;
use super::render::View;
use super::state::{Core, Role, Row};

/// Who calls, on which calendar, with what.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) account: &'a str,
    /// The real id, never `primary`.
    pub(super) calendar: String,
    pub(super) role: Role,
    pub(super) params: &'a Params,
    pub(super) if_match: Option<&'a str>,
    /// A person's edit through `as_user`, not a request of the client under test.
    pub(super) person: bool,
}

impl Call<'_> {
    /// How this caller sees rows of the calendar.
    pub(super) fn view<'c>(&'c self, core: &'c Core) -> Result<View<'c>, ApiError> {
        let calendar = core.calendar(&self.calendar)?;
        Ok(View {
            knobs: &core.knobs,
            calendar,
            account: self.account,
            role: self.role,
            zone: self.params.zone()?.unwrap_or_else(|| calendar.zone()),
            max_attendees: self.params.number("maxAttendees"),
        })
    }

    /// A row as this caller gets it answered.
    pub(super) fn show(&self, core: &Core, row: &Row) -> Result<Value, ApiError> {
        Ok(self.view(core)?.row(row))
    }
}

/// A request body as an object.
pub(super) type Body = Map<String, Value>;
