//! Big calendars: what is asked on every run must not grow with what has not changed.

use std::time::{Duration, Instant};

use sync_engine::mirror::{Reading, ReadingEnd};
use sync_engine::model::{Cursor, ResourceId, SeriesKey};
use sync_engine::ports::store::{MappingState, Store as _};

use crate::bench::{Bench as _, Sqlite, at, present};
use crate::conformance::part;

const MANY: usize = 50_000;

/// Generous: these are unoptimised builds on shared machines. What would break them is a query
/// without its index, which is slower by orders of magnitude.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn fifty_thousand_resources_are_taken_in_and_asked_for() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let begin = Instant::now();
    let mut said = Vec::new();
    let mut lap = |what: &str, since: Instant| said.push(format!("{what}: {:?}", since.elapsed()));

    let seen: Vec<_> = (0..MANY)
        .map(|n| {
            present(
                &format!("/dav/work/{n}.ics"),
                &format!("s{n}"),
                "Lunch",
                "1",
            )
        })
        .collect();
    let listing = Reading {
        end: Some(ReadingEnd {
            cursor: Some(Cursor::new("1")),
            complete: true,
        }),
        ..part(1, seen)
    };
    let step = Instant::now();
    db.record(&joined.caldav, listing).await.unwrap();
    lap("record", step);

    let step = Instant::now();
    let changes = db
        .changes(&joined.id, &joined.caldav, &joined.google, at(2), false)
        .await
        .unwrap();
    assert_eq!(changes.caldav.len(), MANY);
    lap("changes, all", step);

    let step = Instant::now();
    let versions = db.versions(&joined.caldav, None).await.unwrap();
    assert_eq!(versions.len(), MANY);
    lap("versions", step);

    let step = Instant::now();
    let some: Vec<SeriesKey<_>> = changes.caldav.iter().step_by(50).cloned().collect();
    let mirrored = db.mirrored(&joined.caldav, &some).await.unwrap();
    assert_eq!(mirrored.len(), some.len());
    lap("1,000 mirrored", step);

    db.planned(&joined.id, changes.upto, MappingState::default())
        .await
        .unwrap();
    let one = part(3, vec![present("/dav/work/7.ics", "s7", "Dinner", "2")]);
    db.record(&joined.caldav, one).await.unwrap();
    let step = Instant::now();
    for _ in 0..100 {
        let changes = db
            .changes(&joined.id, &joined.caldav, &joined.google, at(4), false)
            .await
            .unwrap();
        assert_eq!(changes.caldav, [SeriesKey::new("s7")]);
        let only = [ResourceId::new("/dav/work/7.ics")];
        let versions = db.versions(&joined.caldav, Some(&only)).await.unwrap();
        assert_eq!(versions.len(), 1);
        assert_eq!(db.calendar(&joined.caldav).await.unwrap().present, 50_000);
    }
    lap("100 quiet rounds", step);
    assert!(
        step.elapsed() < Duration::from_secs(10),
        "a quiet round reads what changed, not everything: {said:?}"
    );
    assert!(begin.elapsed() < PATIENCE, "{said:?}");
    println!("{said:?}");
}
