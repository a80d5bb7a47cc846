//! A played demo: both sides of the shared calendar end up the same.

use sync_engine::conflict::Winner;
use testkit::{expand_google, expand_ics};

use super::world::{GOOGLE_CALENDARS, USER};
use super::*;
use app::records::{ConflictStatus, RunState};

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_stay_equal_and_nothing_fails() {
    let folder = tempfile::tempdir().unwrap();
    let today = Timestamp::now().in_tz(ZONE).unwrap().date();
    let calendars = samples::calendars(today);
    let world = World::start(&calendars).unwrap();
    let environment = world.environment(0, &folder.path().to_string_lossy());
    let config = Config::read(&environment).unwrap();
    let serving = Serving::start(config).await.unwrap();
    let app = &serving.app;
    world.set_up(app).await.unwrap();
    let mut life = Life::new(calendars, today);
    let news = News::default();
    sync(app).await;
    let (calendar, ..) = GOOGLE_CALENDARS[1];
    for round in 0..7 {
        for _ in 0..life::ROUND {
            step(&world, &mut life, &news).await;
            sync(app).await;
        }
        let objects: Vec<String> = world
            .caldav
            .objects(USER, life::SHARED)
            .into_iter()
            .map(|object| object.ics)
            .collect();
        let from = Timestamp::now();
        let to = from + jiff::SignedDuration::from_hours(24 * 29);
        let there = expand_ics(&objects, from, to, ZONE);
        let here = expand_google(&world.google.dump(calendar).unwrap(), from, to);
        assert_eq!(there.agenda(), here.agenda(), "round {round}");
        assert!(there.agenda().len() > 10, "{there:?}");
    }
    let conflicts = app.conflicts(None, None, 50, None).await.unwrap().conflicts;
    let won = |side| {
        let mut all = conflicts.iter();
        all.any(|c| c.status == ConflictStatus::Decided && c.conflict.winner == Some(side))
    };
    assert_eq!(conflicts.len(), 7, "{conflicts:#?}");
    assert!(won(Winner::Caldav) && won(Winner::Google), "{conflicts:#?}");
    for run in app.runs(None, 200, None).await.unwrap().runs {
        let well =
            run.state == RunState::Success && (run.failed, run.held, run.deferred) == (0, 0, 0);
        assert!(well, "{run:#?}");
    }
    serving.stop().await;
}
