//! A calendar's properties as facts about it.

use ical_model::Limits;
use ical_model::component::{Component, Document};
use ical_model::zones::{Resolved, Zones};
use jiff::tz::TimeZone;
use outbound::Url;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{CalendarId, ZoneName};

use crate::account::CalendarFacts;
use crate::color;
use crate::href;
use crate::multistatus::Props;

/// Characters of a name that are kept.
const LONGEST_NAME: usize = 200;
/// Octets of a VTIMEZONE that is looked at; real ones have a few thousand.
const LARGEST_ZONE: usize = 64 * 1024;

/// The facts of the calendar at `url`, which is in its normalised spelling.
pub(super) fn of(url: &Url, props: &Props) -> CalendarFacts {
    CalendarFacts {
        url: CalendarId::new(url.as_str()),
        name: props
            .name
            .as_deref()
            .map_or_else(|| href::last_segment(url.path()), short),
        color: props.color.as_deref().and_then(color::normalised),
        components: props.components.clone().unwrap_or_default(),
        writable: props.is_writable(),
        time_zone: time_zone(props),
    }
}

/// A name on one line and of a length that fits one.
fn short(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_NAME)
        .collect()
}

fn time_zone(props: &Props) -> Option<ZoneName> {
    let by_id = props.timezone_id.as_deref().and_then(ZoneName::new);
    let text = props.timezone.as_deref();
    by_id.or_else(|| zone_of_text(text.filter(|text| text.len() <= LARGEST_ZONE)?))
}

/// The zone of a VCALENDAR that holds one VTIMEZONE, by its name or by its rules as of now.
fn zone_of_text(text: &str) -> Option<ZoneName> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).ok()?;
    let tzid = document
        .components()
        .flat_map(Component::components)
        .find(|component| component.is("VTIMEZONE"))?
        .first("TZID")?
        .value()
        .into_owned();
    let now = Timestamp::now().to_zoned(TimeZone::UTC).datetime();
    match Zones::of(&document, now, true).resolve(&tzid) {
        Resolved::Zone(zone) => Some(zone),
        Resolved::Rules(_) | Resolved::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(tzid: &str) -> Option<ZoneName> {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:{tzid}\nEND:VTIMEZONE\nEND:VCALENDAR\n"
        );
        time_zone(&Props {
            timezone: Some(text),
            ..Props::default()
        })
    }

    #[test]
    fn a_calendar_s_zone_is_known_by_its_name() {
        assert_eq!(zone("Europe/Berlin"), ZoneName::new("Europe/Berlin"));
        assert_eq!(
            zone("W. Europe Standard Time"),
            ZoneName::new("Europe/Berlin")
        );
        assert_eq!(zone("Nowhere/At All"), None);
        let by_id = Props {
            timezone_id: Some("America/New_York".into()),
            timezone: Some("nonsense".into()),
            ..Props::default()
        };
        assert_eq!(time_zone(&by_id), ZoneName::new("America/New_York"));
    }

    #[test]
    fn a_calendar_without_a_name_is_called_by_its_place() {
        let url = Url::parse("https://x.example/alice/My%20Work/").unwrap();
        let facts = of(&url, &Props::default());
        assert_eq!((facts.name.as_str(), facts.writable), ("My Work", true));
    }
}
