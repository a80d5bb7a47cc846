//! What holds for any plan: order means nothing, one series' plan is no other's, nothing to do means
//! nothing to do.

mod common;

use common::{World, at, single};
use proptest::prelude::*;
use sync_engine::mirror::{MirrorState, Mirrored};
use sync_engine::model::{
    Caldav, Etag, Fingerprint, Google, ResourceId, Series, SeriesKey, SideTag, Uid, ZoneName,
};
use sync_engine::observation::{Access, Content, Observation};
use sync_engine::plan::{Plan, PlanInput, SeriesInput, plan};
use sync_engine::ports::SidePort as _;
use sync_engine::snapshot::view;

fn mirrored<S: SideTag>(name: &str, series: Series) -> Mirrored<S> {
    let observation = Observation {
        resource: ResourceId::new(name),
        series: SeriesKey::new(name),
        uid: Uid::new(name),
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
        since: common::start(),
        change: 1,
    }
}

fn input(series: Vec<SeriesInput>) -> PlanInput {
    let world = World::new();
    PlanInput {
        caldav: world.caldav.capabilities(),
        google: world.google.capabilities(),
        mapping: world.mapping,
        now: common::start(),
        first: false,
        reproject: false,
        floating: ZoneName::utc(),
        decisions: Vec::new(),
        restoring: Vec::new(),
        series,
    }
}

/// Events new on the source, natives of the target, and nothing linked.
fn some_series() -> impl Strategy<Value = Vec<SeriesInput>> {
    prop::collection::vec((any::<bool>(), -5_i64..60, 0_i8..23), 0..20).prop_map(|events| {
        let utc = ZoneName::utc();
        let new = |(index, (source, day, hour)): (usize, (bool, i64, i8))| {
            let name = format!("e{index}");
            let event = single(&name, at(day, hour), 1);
            let mut input = SeriesInput {
                fresh: true,
                ..SeriesInput::default()
            };
            if source {
                input.views.caldav = view(&[mirrored::<Caldav>(&name, event)], None, &utc);
            } else {
                input.views.google = view(&[mirrored::<Google>(&name, event)], None, &utc);
            }
            input
        };
        events.into_iter().enumerate().map(new).collect()
    })
}

/// What a plan says, in a form that compares.
fn said(plan: &Plan) -> Vec<String> {
    let steps = plan.groups.iter().flat_map(|group| &group.steps);
    let rows = plan.rows.iter().map(|row| format!("{row:?}"));
    steps
        .map(|step| Fingerprint::of_value(step).as_str().to_owned())
        .chain(rows)
        .collect()
}

fn sorted(mut said: Vec<String>) -> Vec<String> {
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn order_means_nothing(series in some_series(), turn in 0_usize..20) {
        let straight = plan(&input(series.clone()));
        let mut turned = series;
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
            turned.reverse();
        }
        let turned = plan(&input(turned));
        prop_assert_eq!(sorted(said(&straight)), sorted(said(&turned)));
        let keys = |plan: &Plan| plan.groups.iter().map(|g| g.row.key.clone()).collect::<Vec<_>>();
        prop_assert_eq!(keys(&straight), keys(&turned), "and the writes come in one order");
    }

    #[test]
    fn a_plan_over_everything_is_the_plans_over_each(series in some_series()) {
        let whole = sorted(said(&plan(&input(series.clone()))));
        let parts: Vec<String> = series
            .into_iter()
            .flat_map(|one| said(&plan(&input(vec![one]))))
            .collect();
        prop_assert_eq!(whole, sorted(parts));
    }

    #[test]
    fn natives_of_the_target_ask_for_nothing(series in some_series()) {
        let natives: Vec<SeriesInput> = series
            .into_iter()
            .filter(|input| input.views.google.present().is_some())
            .collect();
        prop_assert!(said(&plan(&input(natives))).is_empty());
    }
}

/// The table of failures: one unreadable event is one failed event, and nothing of it is touched.
#[test]
fn an_unreadable_event_fails_by_itself_and_only_when_it_is_news() {
    let utc = ZoneName::utc();
    let mut broken = mirrored::<Caldav>("broken.ics", Series::default());
    broken.state = MirrorState::Unreadable("no DTSTART".to_owned());
    broken.observation = None;
    let mut one = SeriesInput {
        fresh: true,
        ..SeriesInput::default()
    };
    one.views.caldav = view(&[broken], None, &utc);
    let news = plan(&input(vec![one.clone()]));
    assert!(news.groups.is_empty() && news.rows.is_empty());
    let said: Vec<_> = news
        .refused
        .iter()
        .map(|refused| refused.summary.as_str())
        .collect();
    assert_eq!(said, ["broken.ics"]);
    assert!(news.refused[0].problem.detail.contains("no DTSTART"));
    one.fresh = false;
    assert!(plan(&input(vec![one])).refused.is_empty());
}

#[test]
fn where_private_events_say_busy_no_uid_leaves() {
    use sync_engine::mapping::Direction;
    use sync_engine::projection::PrivateEvents;
    let native = |hidden: PrivateEvents| {
        let mut asked = input(vec![SeriesInput {
            fresh: true,
            ..SeriesInput::default()
        }]);
        let event = single("Surgery", at(1, 9), 1);
        let seen = [mirrored::<Google>("surgery@example", event)];
        asked.series[0].views.google = view(&seen, None, &ZoneName::utc());
        asked.mapping.direction = Direction::GoogleToCaldav;
        asked.mapping.private_events = hidden;
        plan(&asked)
    };
    for (hidden, leaves) in [(PrivateEvents::Private, true), (PrivateEvents::Busy, false)] {
        let plan = native(hidden);
        let written = format!("{:?}", plan.groups[0].steps[0]);
        assert_eq!(written.contains("source_uid: Some"), leaves, "{written}");
    }
}
