//! Guests, and what may be done with an event.

use sync_engine::observation::Access;

use super::read::Setting;
use crate::requests::AccessRole;
use crate::requests::wire::{Event, Person};

/// Whether a person is the calendar itself. Secondary calendars do not say `self`.
fn is_own(person: &Person, setting: &Setting) -> bool {
    person.is_self == Some(true)
        || person
            .email
            .as_deref()
            .is_some_and(|email| email.eq_ignore_ascii_case(&setting.calendar))
}

/// Whether the calendar's owner declined.
pub fn declined(event: &Event, setting: &Setting) -> bool {
    event
        .attendees
        .iter()
        .flatten()
        .filter(|guest| is_own(guest, setting))
        .any(|guest| guest.response_status.as_deref() == Some("declined"))
}

/// Whether there are guests besides the owner.
pub fn has_guests(event: &Event, setting: &Setting) -> bool {
    event.attendees_omitted == Some(true)
        || event
            .attendees
            .iter()
            .flatten()
            .any(|guest| !is_own(guest, setting))
}

/// What may be done with it.
pub fn access(event: &Event, setting: &Setting) -> Access {
    match event.event_type.as_deref() {
        None | Some("default") => {}
        Some("birthday" | "workingLocation") => return Access::Ignored,
        Some(_) => return Access::ReadOnly,
    }
    let own = event.organizer.as_ref().is_none_or(|organizer| {
        is_own(organizer, setting)
            || organizer
                .email
                .as_deref()
                .is_some_and(|email| email.eq_ignore_ascii_case(&setting.account))
    });
    let writable = setting.role.is_none_or(AccessRole::may_write)
        && event.locked != Some(true)
        && (own || event.guests_can_modify == Some(true));
    if writable {
        Access::Full
    } else {
        Access::ReadOnly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(value: Value) -> Event {
        serde_json::from_value(value).unwrap()
    }

    fn setting(role: AccessRole) -> Setting {
        Setting {
            calendar: "team@group.calendar.google.com".into(),
            account: "ada@example.com".into(),
            zone: None,
            role: Some(role),
        }
    }

    #[test]
    fn who_may_do_what() {
        for (value, expected) in [
            (json!({}), Access::Full),
            (json!({"eventType": "default"}), Access::Full),
            (json!({"eventType": "birthday"}), Access::Ignored),
            (json!({"eventType": "workingLocation"}), Access::Ignored),
            (json!({"eventType": "focusTime"}), Access::ReadOnly),
            (json!({"eventType": "fromGmail"}), Access::ReadOnly),
            (json!({"eventType": "brandNew"}), Access::ReadOnly),
            (json!({"locked": true}), Access::ReadOnly),
            (
                json!({"organizer": {"email": "bob@example.com"}}),
                Access::ReadOnly,
            ),
            (
                json!({"organizer": {"email": "bob@example.com"}, "guestsCanModify": true}),
                Access::Full,
            ),
            (
                json!({"organizer": {"email": "x", "self": true}}),
                Access::Full,
            ),
            (
                json!({"organizer": {"email": "team@group.calendar.google.com"}}),
                Access::Full,
            ),
            (
                json!({"organizer": {"email": "Ada@Example.com"}}),
                Access::Full,
            ),
        ] {
            let event = event(value.clone());
            assert_eq!(
                access(&event, &setting(AccessRole::Owner)),
                expected,
                "{value}"
            );
        }
        let plain = event(json!({}));
        assert_eq!(
            access(&plain, &setting(AccessRole::Reader)),
            Access::ReadOnly
        );
    }

    #[test]
    fn the_owner_s_answer_is_his_alone() {
        let guests = event(json!({"attendees": [
            {"email": "team@group.calendar.google.com", "responseStatus": "declined"},
            {"email": "bob@example.com", "responseStatus": "accepted"}
        ]}));
        assert!(declined(&guests, &setting(AccessRole::Owner)));
        assert!(has_guests(&guests, &setting(AccessRole::Owner)));
        let alone = event(json!({"attendees": [
            {"email": "x", "self": true, "responseStatus": "accepted"}
        ]}));
        assert!(!declined(&alone, &setting(AccessRole::Owner)));
        assert!(!has_guests(&alone, &setting(AccessRole::Owner)));
        assert!(has_guests(
            &event(json!({"attendeesOmitted": true})),
            &setting(AccessRole::Owner)
        ));
    }
}
