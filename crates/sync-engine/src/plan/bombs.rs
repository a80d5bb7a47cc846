//! Series that are written to keep a plan busy: a long COUNT with many overrides, on both sides.
//! Looking at one of them, and planning for it, is bounded; steps are counted, not time.

use super::{PlanInput, SeriesInput, plan};
use crate::mapping::{Direction, Mapping};
use crate::memory::MemoryCalendar;
use crate::mirror::{MirrorState, Mirrored};
use crate::model::time::Timestamp;
use crate::model::{
    AccountId, Caldav, CalendarId, Etag, Fields, Google, LocalTime, MappingId, OverrideValue,
    RecurrenceId, ResourceId, Series, SeriesKey, SideTag, Uid, When, Zone, ZoneName,
};
use crate::observation::{Access, Content, Observation};
use crate::ports::SidePort as _;
use crate::ports::side::Recurring;
use crate::ports::store::CalendarKey;
use crate::projection::Privacy;
use crate::recurrence::{Recurrence, Rule, steps_taken};
use crate::row::{Link, Row, RowKey};
use crate::snapshot::{inherited, view};

/// Some two dozen looks at a series, each with its own steps.
const MOST: u64 = 24 * 200_000;

fn now() -> Timestamp {
    "2026-12-01T08:00:00Z".parse().expect("an instant")
}

/// A thousand overrides, half of which say nothing of their own, at times far from the start.
fn bomb(rule: &str, title: &str) -> Series {
    use jiff::ToSpan as _;
    let start = jiff::civil::date(1990, 1, 1).at(9, 0, 0, 0);
    let start = LocalTime::new(start, Zone::utc());
    let mut master = Fields::new("Bomb", When::timed(start.clone(), None));
    let rule = Rule::parse(rule).expect("a rule");
    master.recurrence = Some(Recurrence::of(rule).normalized(&master.when));
    let mut series = Series::single(master.clone());
    for n in 0..1_000_i64 {
        let id = RecurrenceId::Wall(start.wall + (13_000 + n).days());
        let mut own = inherited(&master, id);
        if n % 2 == 0 {
            own.title = format!("{title} {n}").as_str().into();
        }
        series
            .overrides
            .insert(id, OverrideValue::Fields(Box::new(own)));
    }
    series
}

fn mirrored<S: SideTag>(series: Series) -> Mirrored<S> {
    let observation = Observation {
        resource: ResourceId::new("bomb"),
        series: SeriesKey::new("bomb"),
        uid: Uid::new("bomb"),
        etag: Some(Etag::new("1")),
        modified: None,
        stamps: Vec::new(),
        written: None,
        content: Content::Series(Box::new(series)),
        tag: None,
        access: Access::Full,
        has_guests: false,
        note: None,
        remarks: Vec::new(),
    };
    Mirrored {
        series: observation.series.clone(),
        observation: Some(observation),
        state: MirrorState::Present,
        shown: true,
        since: now(),
        change: 1,
    }
}

fn link<S: SideTag>(echo: Series) -> Link<S> {
    Link {
        keys: vec![SeriesKey::new("bomb")],
        echo,
        shown: true,
        ..Link::empty()
    }
}

fn input(direction: Direction, privacy: Privacy, rule: &str) -> PlanInput {
    let account = AccountId::new("acc");
    let mut mapping = Mapping::new(
        MappingId::new("map"),
        CalendarKey {
            account: account.clone(),
            calendar: CalendarId::new("https://dav.example/alice/work/"),
        },
        CalendarKey {
            account,
            calendar: CalendarId::new("alice@example.com"),
        },
    );
    mapping.direction = direction;
    mapping.privacy = privacy;
    let utc = ZoneName::utc();
    let mut row = Row::new(
        RowKey::new::<Caldav>(&SeriesKey::new("bomb")),
        Uid::new("bomb"),
        None,
    );
    row.links.caldav = Some(link(bomb(rule, "Old")));
    row.links.google = Some(link(bomb(rule, "Old")));
    let mut series = SeriesInput {
        row: Some(row),
        fresh: true,
        ..SeriesInput::default()
    };
    series.views.caldav = view(&[mirrored::<Caldav>(bomb(rule, "Here"))], None, &utc);
    series.views.google = view(&[mirrored::<Google>(bomb(rule, "There"))], None, &utc);
    let google = MemoryCalendar::<Google>::new().with(|google| {
        google.recurring = Recurring::Google;
    });
    PlanInput {
        caldav: MemoryCalendar::<Caldav>::new().capabilities(),
        google: google.capabilities(),
        mapping,
        now: now(),
        first: false,
        reproject: false,
        floating: utc,
        decisions: Vec::new(),
        restoring: Vec::new(),
        series: vec![series],
    }
}

#[test]
fn a_long_count_with_many_overrides_is_planned_in_bounded_steps() {
    for rule in [
        "FREQ=DAILY;COUNT=40000",
        "FREQ=DAILY;COUNT=4294967295",
        "FREQ=HOURLY;INTERVAL=24;COUNT=40000",
        "FREQ=DAILY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ] {
        for direction in [
            Direction::CaldavToGoogle,
            Direction::GoogleToCaldav,
            Direction::Bidirectional,
        ] {
            for privacy in [Privacy::Full, Privacy::Busy] {
                steps_taken();
                let input = input(direction, privacy.clone(), rule);
                let made = plan(&input);
                let taken = steps_taken();
                assert!(taken < MOST, "{taken} for {rule} {direction:?} {privacy:?}");
                assert!(!made.groups.is_empty() || !made.rows.is_empty() || rule.contains("30"));
            }
        }
    }
}
