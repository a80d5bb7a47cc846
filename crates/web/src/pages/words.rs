//! Words for what the program knows: times, states, counts, reasons.

use app::MappingStatus;
use app::records::{Direction, Mapping, MappingSettings, Run, RunState};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Field, Side};
use sync_engine::plan::operation::{ActionKind, Reason};
use sync_engine::projection::Privacy;

/// A moment: when, in UTC, and how long ago.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    html! { (instant(at)) " " span.ago { "(" (relative(at, now)) ")" } }
}

/// A moment without how long ago.
pub(super) fn instant(at: Timestamp) -> Markup {
    let machine = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let human = at.to_zoned(TimeZone::UTC);
    let human = human.strftime("%-d %b %Y, %H:%M UTC").to_string();
    html! { time datetime=(machine) { (human) } }
}

/// A start as the API spells it: a date stays a date.
pub(super) fn start(text: &str) -> Markup {
    text.parse()
        .map_or_else(|_| html! { time datetime=(text) { (text) } }, instant)
}

/// How long ago, or how soon, in one unit.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    let (size, unit) = match seconds.unsigned_abs() {
        0..=9 => return "just now".to_owned(),
        size @ 10..=89 => (size, "second"),
        size @ 90..=5399 => ((size + 30) / 60, "minute"),
        size @ 5400..=129_599 => ((size + 1800) / 3600, "hour"),
        size => ((size + 43_200) / 86_400, "day"),
    };
    let count = counted(size, unit);
    if seconds < 0 {
        format!("{count} ago")
    } else {
        format!("in {count}")
    }
}

/// `1 event`, `2 events`.
pub(super) fn counted(count: u64, unit: &str) -> String {
    if count == 1 {
        format!("1 {unit}")
    } else {
        format!("{count} {unit}s")
    }
}

/// `1 copy`, `2 copies`.
pub(super) fn copies(count: u64) -> String {
    if count == 1 {
        "1 copy".to_owned()
    } else {
        format!("{count} copies")
    }
}

/// `1 change is`, `2 changes are`.
pub(super) fn are(count: u64, unit: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, unit))
}

/// `1 event needs`, `2 events need`.
pub(super) fn need(count: u64, unit: &str) -> String {
    let verb = if count == 1 { "needs" } else { "need" };
    format!("{} {verb}", counted(count, unit))
}

/// `1 event was`, `2 events were`.
pub(super) fn were(count: u64, unit: &str) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count, unit))
}

/// A mapping's state, of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    InStep,
    Syncing,
    Waiting,
    Paused,
    /// The server does not answer; it is asked again by itself.
    Retrying,
    NeedsYou,
    Failing,
}

/// How a mapping's accounts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accounts {
    Work,
    /// A server does not answer.
    DoNotAnswer,
    /// One needs a person.
    NeedYou,
}

impl Condition {
    /// Of a mapping.
    pub(super) fn of(status: &MappingStatus, running: bool, accounts: Accounts) -> Self {
        let last = status.overview.last_run.as_ref();
        let asks = status.waiting() > 0 || status.overview.open_conflicts > 0;
        if !status.mapping.settings.enabled {
            Self::Paused
        } else if status.mapping.restored_at.is_some() {
            Self::NeedsYou
        } else if running {
            Self::Syncing
        } else if accounts == Accounts::NeedYou || asks {
            Self::NeedsYou
        } else if accounts == Accounts::DoNotAnswer {
            Self::Retrying
        } else {
            match last.map(|run| run.state) {
                None | Some(RunState::Running) => Self::Waiting,
                Some(RunState::Success) => Self::InStep,
                Some(RunState::PartialFailure) => Self::NeedsYou,
                Some(RunState::Failure) => Self::Failing,
            }
        }
    }

    /// Whether somebody should look.
    pub(super) fn is_trouble(self) -> bool {
        matches!(self, Self::Retrying | Self::NeedsYou | Self::Failing)
    }

    /// Its badge's kind and word.
    pub(super) fn badge(self) -> (&'static str, &'static str) {
        match self {
            Self::InStep => ("good", "In step"),
            Self::Syncing => ("busy", "Syncing"),
            Self::Waiting => ("busy", "Waiting for the first run"),
            Self::Paused => ("idle", "Paused"),
            Self::Retrying => ("warn", "Trying again"),
            Self::NeedsYou => ("warn", "Needs you"),
            Self::Failing => ("bad", "Failing"),
        }
    }
}

/// What a run did, in words.
pub(super) fn outcome(run: &Run) -> String {
    let counts = [
        (run.inserted, "added"),
        (run.updated, "changed"),
        (run.deleted, "removed"),
        (run.failed, "failed"),
        (run.deferred, "left for later"),
        (run.held, "held back"),
        (
            run.conflicts,
            if run.conflicts == 1 {
                "conflict"
            } else {
                "conflicts"
            },
        ),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        match run.state {
            RunState::Running => "under way".to_owned(),
            RunState::Failure => "broke off".to_owned(),
            _ => "nothing to do".to_owned(),
        }
    } else {
        parts.join(", ")
    }
}

/// A side's name.
pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Caldav => "CalDAV",
        Side::Google => "Google",
    }
}

/// An action that is done or will be.
pub(super) fn action(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Insert => "Add",
        ActionKind::Update => "Change",
        ActionKind::Delete => "Remove",
    }
}

/// Why something is done.
pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::New => "new on the other side",
        Reason::Changed => "changed on the other side",
        Reason::Restored => "changed on the copy, put back",
        Reason::Deleted => "deleted on the other side",
        Reason::Recreated => "missing on the target, put back",
        Reason::Withheld => "not to be shown there",
        Reason::Settings => "the mapping's settings changed",
        Reason::Conflict => "changed on both sides",
        Reason::EditWins => "edited on one side, deleted on the other",
        Reason::Reshaped => "needs another form on the target",
        Reason::Orphaned => "a copy without a source",
        Reason::OutsideWindow => "outside the window",
        Reason::Undone => "taken back",
        Reason::HandedOver => "fed by another mapping from now on",
        Reason::Resumed => "finishes an earlier run",
        _ => "decided by a rule",
    }
}

/// A field's name.
pub(super) fn field(field: Field) -> &'static str {
    match field {
        Field::Title => "Title",
        Field::Description => "Description",
        Field::Location => "Location",
        Field::When => "Time",
        Field::Status => "Status",
        Field::Transparency => "Shows as",
        Field::Visibility => "Visibility",
    }
}

/// A mapping's name: the one given, or its calendars'.
pub(super) fn mapping_name(mapping: &Mapping) -> String {
    mapping.settings.name.clone().unwrap_or_else(|| {
        let (caldav, google) = (&mapping.caldav.facts.name, &mapping.google.facts.name);
        match mapping.settings.direction {
            Direction::CaldavToGoogle => format!("{caldav} → {google}"),
            Direction::GoogleToCaldav => format!("{google} → {caldav}"),
            Direction::Bidirectional => format!("{caldav} ↔ {google}"),
        }
    })
}

/// What of a mapping's settings people may want to see at a glance.
pub(super) fn settings(settings: &MappingSettings) -> String {
    let window = match (settings.window.past_days, settings.window.future_days) {
        (0, ahead) => format!("{} ahead", counted(ahead.into(), "day")),
        (back, ahead) => format!("{} back, {ahead} ahead", counted(back.into(), "day")),
    };
    let privacy = match &settings.privacy {
        Privacy::Full => "all details",
        Privacy::Busy => "only “Busy”",
        Privacy::Template(_) => "own title",
    };
    let way = match settings.direction {
        Direction::CaldavToGoogle => "CalDAV to Google",
        Direction::GoogleToCaldav => "Google to CalDAV",
        Direction::Bidirectional => "both ways",
    };
    format!("{way} · {window} · {privacy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_one_unit() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (at, told) in [
            ("2026-11-22T12:00:03Z", "just now"),
            ("2026-11-22T11:59:15Z", "45 seconds ago"),
            ("2026-11-22T11:58:00Z", "2 minutes ago"),
            ("2026-11-22T12:05:00Z", "in 5 minutes"),
            ("2026-11-22T09:00:00Z", "3 hours ago"),
            ("2026-11-20T12:00:00Z", "2 days ago"),
            ("2026-11-22T11:00:30Z", "60 minutes ago"),
        ] {
            assert_eq!(relative(at.parse().unwrap(), now), told);
        }
    }

    #[test]
    fn moments_name_their_zone() {
        let at: Timestamp = "2026-11-02T08:05:09.5Z".parse().unwrap();
        assert_eq!(
            instant(at).into_string(),
            "<time datetime=\"2026-11-02T08:05:09Z\">2 Nov 2026, 08:05 UTC</time>"
        );
        assert_eq!(
            start("2026-11-02").into_string(),
            "<time datetime=\"2026-11-02\">2026-11-02</time>"
        );
    }
}
