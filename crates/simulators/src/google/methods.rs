//! The methods by name: from a checked request, or a person's edit, to the
//! function that does it.

use serde_json::Value;

use super::call::{Body, Call};
use super::error::ApiError;
use super::facts::Method;
use super::faults::PersonEdit;
use super::params::Params;
use super::state::Core;
use super::wire::Request;
use super::{calendar_list, calendars, change, insert, instances, list, misc, relocate, schema};

impl Core {
    /// The method itself. `None` is 204.
    pub(super) fn method(
        &mut self,
        method: &Method,
        account: &str,
        variables: &[String],
        params: &Params,
        request: &Request,
        body: Body,
    ) -> Result<Option<Value>, ApiError> {
        let first = variables.first().map_or("", String::as_str);
        let second = variables.get(1).map_or("", String::as_str);
        let if_match = request.header("if-match");
        let id = method.id.as_str();
        if id.starts_with("events.") {
            let writes = method.http != "GET";
            let (calendar, role) = if writes {
                self.enter_to_write(account, first)?
            } else {
                self.enter(account, first)?
            };
            if writes {
                self.use_burst(&calendar)?;
            }
            let call = Call {
                account,
                calendar,
                role,
                params,
                if_match,
                person: false,
            };
            return self.event_method(id, &call, second, body);
        }
        Ok(Some(match id {
            "calendarList.list" => calendar_list::list(self, account, params)?,
            "calendarList.get" => calendar_list::get(self, account, first)?,
            "calendarList.insert" => calendar_list::insert(self, account, &body)?,
            "calendarList.patch" | "calendarList.update" => {
                calendar_list::change(self, account, first, &body, if_match)?
            }
            "calendarList.delete" => {
                calendar_list::delete(self, account, first)?;
                return Ok(None);
            }
            "calendars.get" => calendars::get(self, account, first)?,
            "calendars.insert" => calendars::insert(self, account, &body)?,
            "calendars.patch" => calendars::change(self, account, first, &body, false, if_match)?,
            "calendars.update" => calendars::change(self, account, first, &body, true, if_match)?,
            "calendars.delete" => {
                calendars::delete(self, account, first)?;
                return Ok(None);
            }
            "calendars.clear" => {
                calendars::clear(self, account, first)?;
                return Ok(None);
            }
            "settings.list" => misc::settings(self, account, params)?,
            "settings.get" => misc::one_setting(self, account, first)?,
            "colors.get" => misc::colors(),
            "freebusy.query" => misc::free_busy(self, account, &body)?,
            other => return Err(ApiError::not_implemented(other)),
        }))
    }

    fn event_method(
        &mut self,
        id: &str,
        call: &Call<'_>,
        event: &str,
        body: Body,
    ) -> Result<Option<Value>, ApiError> {
        Ok(Some(match id {
            "events.list" => list::list(self, call)?,
            "events.get" => change::get(self, call, event)?,
            "events.instances" => instances::list(self, call, event)?,
            "events.insert" => insert::insert(self, call, body)?,
            "events.import" => insert::import(self, call, body)?,
            "events.update" => change::update(self, call, event, body)?,
            "events.patch" => change::patch(self, call, event, &body)?,
            "events.move" => relocate::relocate(self, call, event)?,
            "events.delete" => {
                change::delete(self, call, event)?;
                return Ok(None);
            }
            other => return Err(ApiError::not_implemented(other)),
        }))
    }

    /// A person's edit that a fault ordered; what it cannot do is a violation
    /// of the test's own, noted for it.
    pub(super) fn person_edits(&mut self, edit: &PersonEdit) {
        if let Err(error) = self.as_user(edit) {
            self.violations
                .push(format!("as-user {}: {error}", edit.op));
        }
    }

    /// Edits as a person in Google's own interface would: through the same
    /// rules, but no request, no quota, no fault.
    pub(super) fn as_user(&mut self, edit: &PersonEdit) -> Result<Option<Value>, ApiError> {
        let (calendar, role) = self.enter_to_write(&edit.account, &edit.calendar)?;
        let params = Params::default();
        let call = Call {
            account: &edit.account,
            calendar,
            role,
            params: &params,
            if_match: None,
            person: true,
        };
        let body = edit.body.as_object().cloned().unwrap_or_default();
        let value = Value::Object(body.clone());
        if let Some(problem) = schema::check_request("Event", &value).first() {
            return Err(ApiError::invalid(format!(
                "Invalid JSON payload: {problem}"
            )));
        }
        match edit.op.as_str() {
            "insert" => insert::insert(self, &call, body).map(Some),
            "plant" => insert::plant(self, &call, body).map(Some),
            "update" => change::update(self, &call, &edit.id, body).map(Some),
            "patch" => change::patch(self, &call, &edit.id, &body).map(Some),
            "get" => change::get(self, &call, &edit.id).map(Some),
            "delete" => change::delete(self, &call, &edit.id).map(|()| None),
            other => Err(ApiError::not_implemented(other)),
        }
    }
}
