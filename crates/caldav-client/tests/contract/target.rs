//! CalDAV as a target: every kind of change, one PUT each, against the simulator, Radicale, Xandikos
//! and, where it is installed, sabre/dav. What is sent carries every line that is not the change's.

mod bench;

use simulators::caldav::CaldavSim;
use sync_engine::model::time::{Date, DateTime, LocalTime, When, Zone};
use sync_engine::model::{
    ComponentKey, Field, FieldSet, Fields, OverrideValue, RecurrenceId, Series, Status,
    Transparency, ZoneName,
};
use sync_engine::ports::{Change, SidePort as _, Written};
use sync_engine::recurrence::{Recurrence, Rule};
use sync_engine::snapshot::inherited;
use testkit::{Radicale, RawDav, Sabre, Xandikos};

use bench::Bench;

use crate::common::{create, projected, removal, said, sim};

/// What says when an event is, and when it repeats.
const WHEN: [&str; 7] = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
];

fn berlin() -> Zone {
    Zone::Named(ZoneName::new("Europe/Berlin").unwrap())
}

fn wall(day: i8, hour: i8) -> DateTime {
    Date::new(2026, 12, day).unwrap().at(hour, 0, 0, 0)
}

fn id(day: i8, hour: i8) -> RecurrenceId {
    RecurrenceId::Wall(wall(day, hour))
}

fn timed(zone: &Zone, day: i8, hour: i8) -> When {
    let at = |hour| LocalTime::new(wall(day, hour), zone.clone());
    When::timed(at(hour), Some(at(hour + 1)))
}

fn all() -> FieldSet {
    let mut all: FieldSet = Field::ALL.into();
    all.remove(&Field::Visibility);
    all
}

fn set(fields: &[Field]) -> Change {
    Change::Set(fields.iter().copied().collect())
}

fn rule(text: &str) -> Recurrence {
    Recurrence::of(Rule::parse(text).unwrap())
}

fn master(series: &mut Series) -> &mut Fields {
    series.master.as_mut().unwrap()
}

async fn target(url: &str, dav: RawDav, path: &str) {
    let mut bench = Bench::start(url, dav, path).await;
    let bench = &mut bench;
    fields(bench).await;
    occurrences(bench).await;
    times(bench).await;
    ends(bench).await;
}

async fn fields(bench: &mut Bench) {
    let stamps: Vec<_> = bench
        .seen
        .stamps
        .iter()
        .map(|(key, at)| (*key, at.to_string()))
        .collect();
    assert_eq!(
        stamps,
        [
            (ComponentKey::Master, "2026-11-02T00:00:00Z".to_owned()),
            (
                ComponentKey::Override(id(8, 9)),
                "2026-11-03T00:00:00Z".to_owned()
            ),
        ]
    );
    bench
        .change("title", &["SUMMARY"], |series| {
            master(series).title = "Planung, ü".into();
            vec![(ComponentKey::Master, set(&[Field::Title]))]
        })
        .await;
    let where_it_is = ["LOCATION", "GEO", "X-APPLE-STRUCTURED-LOCATION"];
    bench
        .change("location", &where_it_is, |series| {
            master(series).location = "Room 2".into();
            vec![(ComponentKey::Master, set(&[Field::Location]))]
        })
        .await;
    bench
        .change("description", &["DESCRIPTION", "X-ALT-DESC"], |series| {
            master(series).description = "Line 1\nLine 2; and, so on".into();
            vec![(ComponentKey::Master, set(&[Field::Description]))]
        })
        .await;
    let shown_as = ["STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"];
    bench
        .change("status", &shown_as, |series| {
            master(series).status = Status::Tentative;
            master(series).transparency = Transparency::Free;
            vec![(
                ComponentKey::Master,
                set(&[Field::Status, Field::Transparency]),
            )]
        })
        .await;
}

async fn occurrences(bench: &mut Bench) {
    let over = |day| ComponentKey::Override(id(day, 9));
    bench
        .change("an override's title", &["SUMMARY"], |series| {
            let Some(OverrideValue::Fields(own)) = series.overrides.get_mut(&id(8, 9)) else {
                panic!("it is an override");
            };
            own.title = "Very late".into();
            vec![(over(8), set(&[Field::Title]))]
        })
        .await;
    bench
        .change("a new override", &[], |series| {
            let mut own = inherited(series.master.as_ref().unwrap(), id(15, 9));
            own.title = "Once only".into();
            series
                .overrides
                .insert(id(15, 9), OverrideValue::Fields(Box::new(own)));
            vec![(over(15), Change::Add)]
        })
        .await;
    bench
        .change("a cancelled occurrence", &[], |series| {
            series.overrides.insert(id(22, 9), OverrideValue::Cancelled);
            vec![(over(22), Change::Cancel)]
        })
        .await;
    bench
        .change("the cancellation taken back", &["EXDATE"], |series| {
            series.overrides.remove(&id(22, 9));
            vec![(over(22), Change::Inherit)]
        })
        .await;
    // It had nothing but our own lines: it goes whole.
    let whole = [
        "BEGIN",
        "END",
        "UID",
        "RECURRENCE-ID",
        "SUMMARY",
        "DTSTART",
        "DTEND",
        "LOCATION",
        "DESCRIPTION",
        "STATUS",
        "TRANSP",
        "CATEGORIES",
    ];
    bench
        .change("an override given up", &whole, |series| {
            series.overrides.remove(&id(15, 9));
            vec![(over(15), Change::Inherit)]
        })
        .await;
}

async fn times(bench: &mut Bench) {
    let moves = [&WHEN[..], &["SUMMARY"]].concat();
    bench
        .change("the whole series with its override", &moves, |series| {
            master(series).when = timed(&berlin(), 1, 11);
            let Some(OverrideValue::Fields(mut own)) = series.overrides.remove(&id(8, 9)) else {
                panic!("it is an override");
            };
            own.when = timed(&berlin(), 8, 16);
            own.title = "Moved along".into();
            series
                .overrides
                .insert(id(8, 11), OverrideValue::Fields(own));
            vec![
                (ComponentKey::Master, set(&[Field::When])),
                (ComponentKey::Override(id(8, 11)), Change::Set(all())),
            ]
        })
        .await;
    let shell = [&WHEN[..], &["SUMMARY"]].concat();
    bench
        .change(
            "an override with lines of its own given up",
            &shell,
            |series| {
                series.overrides.remove(&id(8, 11));
                vec![(ComponentKey::Override(id(8, 11)), Change::Inherit)]
            },
        )
        .await;
    let text = bench
        .dav
        .get(&format!("{}rich.ics", bench.path))
        .await
        .unwrap()
        .body;
    assert!(text.contains("X-OVERRIDE:its own"), "{text}");
    for until in [
        "FREQ=WEEKLY;UNTIL=20270105T100000Z",
        "FREQ=WEEKLY;COUNT=7",
        "FREQ=WEEKLY;INTERVAL=1",
    ] {
        bench
            .change(until, &WHEN, |series| {
                master(series).recurrence = Some(rule(until));
                vec![(ComponentKey::Master, set(&[Field::When]))]
            })
            .await;
    }
}

async fn ends(bench: &mut Bench) {
    let shell = [
        &WHEN[..],
        &[
            "BEGIN",
            "END",
            "UID",
            "SUMMARY",
            "X-OVERRIDE",
            "ACTION",
            "TRIGGER",
            "DESCRIPTION",
            "X-MICROSOFT-CDO-ALLDAYEVENT",
            "LOCATION",
            "STATUS",
            "TRANSP",
            "TZID",
            "TZOFFSETFROM",
            "TZOFFSETTO",
            "TZNAME",
        ],
    ]
    .concat();
    let day = |day| Date::new(2026, 12, day).unwrap();
    let new_york = Zone::Named(ZoneName::new("America/New_York").unwrap());
    let steps: [(&str, When, Option<Recurrence>); 7] = [
        ("single", timed(&berlin(), 1, 11), None),
        (
            "recurring again",
            timed(&berlin(), 1, 11),
            Some(rule("FREQ=DAILY;COUNT=3")),
        ),
        (
            "all day",
            When::all_day(day(2), Some(day(4))),
            Some(rule("FREQ=WEEKLY;UNTIL=20270101")),
        ),
        (
            "another zone",
            timed(&new_york, 3, 8),
            Some(rule("FREQ=WEEKLY;UNTIL=20270101T130000Z")),
        ),
        ("UTC", timed(&Zone::utc(), 3, 8), None),
        ("floating", timed(&Zone::Floating, 3, 8), None),
        ("all day, single", When::all_day(day(5), None), None),
    ];
    for (what, when, recurrence) in steps {
        bench
            .change(what, &shell, |series| {
                master(series).when = when;
                master(series).recurrence = recurrence;
                vec![(ComponentKey::Master, set(&[Field::When]))]
            })
            .await;
    }
    let removed = bench.calendar.remove(&removal(&bench.seen)).await.unwrap();
    assert_eq!(removed, Written::Removed);
    let again = bench.calendar.remove(&removal(&bench.seen)).await.unwrap();
    assert_eq!(again, Written::Removed, "gone already");

    // A copy of a whole series, and one whose source may not be named.
    let mut wanted = create("secret-source@example.com", "Copy");
    let mut series = Series::single(Fields::new("Copy", timed(&new_york, 1, 9)));
    master(&mut series).recurrence = Some(rule("FREQ=WEEKLY;COUNT=5"));
    series.overrides.insert(id(8, 9), OverrideValue::Cancelled);
    let mut own = inherited(series.master.as_ref().unwrap(), id(15, 9));
    own.when = timed(&berlin(), 15, 20);
    series
        .overrides
        .insert(id(15, 9), OverrideValue::Fields(Box::new(own)));
    wanted.series = projected(&series);
    for (named, title) in [(true, "a"), (false, "b")] {
        let mut wanted = wanted.clone();
        if !named {
            wanted.tag = create("another-secret@example.com", title).tag;
            wanted.source_uid = None;
        }
        bench.proxy.clear_log();
        let made = match bench.calendar.create(&wanted).await.unwrap() {
            Written::Done(seen)
            | Written::Unproven {
                now: Some(seen), ..
            } => *seen,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(&made), &series);
        let log = bench.proxy.log();
        let put = log.iter().find(|request| request.method == "PUT").unwrap();
        assert_eq!(put.body.contains("secret"), named, "{}", put.body);
        assert!(!put.body.contains("ATTENDEE") && !put.body.contains("ORGANIZER"));
        for zone in ["America/New_York", "Europe/Berlin"] {
            assert!(
                put.body
                    .contains(&format!("BEGIN:VTIMEZONE\r\nTZID:{zone}"))
            );
        }
    }
}

async fn on_sim(sim: &CaldavSim) {
    let dav = RawDav::new(sim.url(), "alice", "alicepw");
    let url = sim.calendar_url("alice", "work");
    let path = url.strip_prefix(sim.url()).unwrap();
    target(sim.url(), dav, path).await;
}

#[tokio::test]
async fn every_change_on_the_simulator() {
    on_sim(&sim(|_| {})).await;
}

#[tokio::test]
async fn every_change_on_servers_with_weak_or_no_guards() {
    for change in [
        (|quirks| quirks.weak_etags = true) as fn(&mut simulators::caldav::Quirks),
        |quirks| quirks.no_etags = true,
        |quirks| quirks.no_etag_on_put = true,
        |quirks| {
            quirks.gzip = true;
            quirks.gzip_etag_suffix = true;
        },
        |quirks| {
            quirks.ignores_if_match = true;
            quirks.ignores_if_none_match = true;
            quirks.ignores_delete_if_match = true;
        },
        |quirks| {
            quirks.etag_changes_on_identical_put = true;
            quirks.rewrites = vec![
                simulators::caldav::Rewrite::Prodid,
                simulators::caldav::Rewrite::LineEndings,
            ];
            quirks.no_etag_when_rewritten = true;
        },
    ] {
        on_sim(&sim(change)).await;
    }
}

macro_rules! real {
    ($name:ident, $start:expr) => {
        #[tokio::test]
        async fn $name() {
            let Some(server) = $start else { return };
            let dav = server.dav("alice");
            let path = server.calendar_path("alice", "work");
            dav.mkcalendar(&path, "Work").await;
            target(&server.url(), dav, &path).await;
        }
    };
}

real!(every_change_on_radicale, Some(Radicale::start()));
real!(every_change_on_sabre, Sabre::if_installed());

#[tokio::test]
async fn every_change_on_xandikos() {
    let server = Xandikos::start();
    let dav = server.dav("alice");
    // The first login makes the user's home.
    let _ = dav.request("PROPFIND", "/", &[("depth", "0")], "").await;
    let path = server.calendar_path("alice", "work");
    dav.mkcalendar(&path, "Work").await;
    target(&server.url(), dav, &path).await;
}
