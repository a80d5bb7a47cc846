//! The permissions asked for, and whether they were given.

/// A permission this program needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read and write events; also gives a calendar's zone and role.
    Events,
    /// Read the list of calendars, which also tells the account's address.
    CalendarList,
}

const PREFIX: &str = "https://www.googleapis.com/auth/";

impl Scope {
    /// The least that serves.
    pub const NEEDED: [Self; 2] = [Self::Events, Self::CalendarList];

    /// The scope's address.
    pub fn url(self) -> String {
        format!("{PREFIX}{}", self.short())
    }

    fn short(self) -> &'static str {
        match self {
            Self::Events => "calendar.events",
            Self::CalendarList => "calendar.calendarlist.readonly",
        }
    }

    /// What Google's consent page says beside its box.
    pub fn words(self) -> &'static str {
        match self {
            Self::Events => "\"View and edit events on all your calendars\"",
            Self::CalendarList => "\"See the list of Google calendars you're subscribed to\"",
        }
    }

    /// Several, in words.
    pub fn list(scopes: &[Self]) -> String {
        scopes
            .iter()
            .map(|scope| scope.words())
            .collect::<Vec<_>>()
            .join(" and ")
    }

    /// Whether one of the granted scopes includes this one.
    fn is_in(self, granted: &[String]) -> bool {
        let enough: &[&str] = match self {
            Self::Events => &["calendar.events", "calendar"],
            Self::CalendarList => &[
                "calendar.calendarlist.readonly",
                "calendar.calendarlist",
                "calendar.readonly",
                "calendar",
            ],
        };
        granted
            .iter()
            .filter_map(|scope| scope.strip_prefix(PREFIX))
            .any(|scope| enough.contains(&scope))
    }

    /// What of the needed is not granted.
    pub fn missing_from(granted: &[String]) -> Vec<Self> {
        Self::NEEDED
            .into_iter()
            .filter(|scope| !scope.is_in(granted))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broader_scopes_count_and_unticked_boxes_are_named() {
        let all = |scopes: &[&str]| -> Vec<String> {
            scopes.iter().map(|s| format!("{PREFIX}{s}")).collect()
        };
        assert_eq!(Scope::missing_from(&all(&["calendar"])), []);
        assert_eq!(
            Scope::missing_from(&all(&["calendar.events", "calendar.calendarlist.readonly"])),
            []
        );
        let missing = Scope::missing_from(&all(&["calendar.events.readonly", "calendar.readonly"]));
        assert_eq!(missing, [Scope::Events]);
        assert!(Scope::list(&missing).contains("edit events"));
        assert_eq!(Scope::missing_from(&[]), Scope::NEEDED);
    }
}
