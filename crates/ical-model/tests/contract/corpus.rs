//! Objects as programs write them: what each is, and that each comes out byte for byte.

use ical_model::component::Document;
use ical_model::{Edit, Limits, Object, ReadContext, edit_object, read_object};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{
    ComponentKey, Field, OverrideValue, RecurrenceId, Sensitivity, Series, Status, Transparency,
    When,
};
use sync_engine::ports::{Change, ComponentChange};

use super::{event, refusal};

macro_rules! corpus {
    ($($name:literal)*) => {
        pub(crate) const CORPUS: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../corpus/", $name, ".ics")))),*];
    };
}

corpus! {
    "apple-rich" "copy-of-ours" "cr-only" "cut-off" "cut-vtimezone" "every-property"
    "fold-inside-character" "google-export" "invalid-utf8" "journal-and-freebusy"
    "lf-only-lower-case" "mixed-ends-bom-blanks" "only-overrides" "outlook-windows-zone"
    "own-zone-single" "recurring-cancelled-override" "rubbish" "this-and-future" "thunderbird"
    "todo" "wrong-ends"
}

fn named(name: &str) -> &'static [u8] {
    CORPUS
        .iter()
        .find(|(own, _)| *own == name)
        .expect("in the corpus")
        .1
}

fn wall(id: &str) -> RecurrenceId {
    RecurrenceId::Wall(id.parse().unwrap())
}

fn start_of(series: &Series) -> String {
    match &series.master.as_ref().unwrap().when {
        When::AllDay { start, end } => format!("{start}/{end}"),
        When::Timed { start, end } => {
            format!(
                "{} {:?}/{} {:?}",
                start.wall, start.zone, end.wall, end.zone
            )
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test of the folder itself")]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let files = std::fs::read_dir(folder).unwrap().filter(|file| {
        file.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "ics")
    });
    assert_eq!(files.count(), CORPUS.len());
}

#[test]
fn every_object_comes_out_byte_for_byte() {
    for (name, text) in CORPUS {
        let document = Document::parse(text, &Limits::default()).unwrap();
        assert_eq!(document.to_bytes(), *text, "{name}");
    }
}

#[test]
fn an_edit_that_changes_nothing_changes_no_byte() {
    let mut edited = 0;
    for (name, text) in CORPUS {
        let Object::Event(event) = read_object(text, &ReadContext::default()).object else {
            continue;
        };
        let everything = Change::Set(Field::ALL.into());
        let mut changes = Vec::new();
        if event.series.master.is_some() {
            changes.push(ComponentChange {
                key: ComponentKey::Master,
                change: everything.clone(),
            });
        }
        for (id, value) in &event.series.overrides {
            changes.push(ComponentChange {
                key: ComponentKey::Override(*id),
                change: match value {
                    OverrideValue::Cancelled => continue,
                    OverrideValue::Fields(_) => everything.clone(),
                },
            });
        }
        let edit = Edit {
            series: &event.series,
            changes: &changes,
            tag: None,
            now: Timestamp::UNIX_EPOCH,
        };
        match edit_object(text, &edit, &ReadContext::default()) {
            Ok(bytes) => assert_eq!(
                String::from_utf8_lossy(&bytes),
                String::from_utf8_lossy(text),
                "{name}"
            ),
            Err(error) => panic!("{name}: {error}"),
        }
        edited += 1;
    }
    assert!(edited > 12, "{edited}");
}

#[test]
fn what_programs_write_is_understood() {
    let apple = event(named("apple-rich"));
    let fields = apple.series.master.as_ref().unwrap();
    assert_eq!(fields.title.as_str(), "Kickoff , phase 2");
    assert_eq!(
        fields.location.as_str(),
        "Café Größenwahn\nMain Street 1\nBerlin"
    );
    assert_eq!(
        fields.description.as_str(),
        "Agenda:\n1. Tea; cake\n2. Backslash \\ here"
    );
    assert_eq!(
        start_of(&apple.series),
        "2026-12-01T09:30:00 Named(Europe/Berlin)/2026-12-01T10:30:00 Named(Europe/Berlin)"
    );
    assert!(!apple.has_guests && !apple.attending);

    let outlook = event(named("outlook-windows-zone"));
    let fields = outlook.series.master.as_ref().unwrap();
    assert_eq!(fields.sensitivity, Sensitivity::Private);
    assert!(fields.declined && outlook.has_guests && outlook.attending);
    assert!(!outlook.organized_by_me);
    assert_eq!(outlook.series.overrides.len(), 3);
    assert_eq!(
        outlook.series.overrides[&wall("2026-12-08T10:00:00")],
        OverrideValue::Cancelled
    );

    let google = event(named("google-export"));
    let fields = google.series.master.as_ref().unwrap();
    assert_eq!(start_of(&google.series), "2026-12-24/2026-12-27");
    assert_eq!(
        (fields.status, fields.transparency),
        (Status::Tentative, Transparency::Free)
    );
    assert_eq!(
        google.modified,
        Some("2026-11-01T09:15:00Z".parse().unwrap())
    );

    // The second component says what the master says: nothing of its own.
    let thunderbird = event(named("thunderbird"));
    assert_eq!(thunderbird.series.overrides.len(), 1);
    assert_eq!(
        start_of(&thunderbird.series),
        "2026-12-01T19:00:00 Named(Europe/Berlin)/2026-12-01T21:00:00 Named(Europe/Berlin)"
    );
    assert_eq!(
        thunderbird.modified,
        Some("2026-11-03T09:00:00Z".parse().unwrap())
    );

    let cut = event(named("cut-vtimezone"));
    assert!(start_of(&cut.series).contains("Named(Australia/Melbourne)/2026-12-02T09:30:00"));

    let ship = event(named("own-zone-single"));
    assert!(start_of(&ship.series).starts_with("2026-12-01T09:00:00 Named(UTC)"));
    assert_eq!(ship.remarks[0].code, "custom_zone");

    let copy = event(named("copy-of-ours"));
    assert_eq!(copy.tag.unwrap().generation, 2);
    assert_eq!(copy.source_uid.unwrap().as_str(), "one,two@example.com");
}

#[test]
fn what_is_broken_is_understood_as_far_as_it_goes() {
    let inverted = event(named("lf-only-lower-case"));
    assert_eq!(
        start_of(&inverted.series),
        "2026-12-01T09:00:00 Floating/2026-12-01T09:00:00 Floating"
    );
    for (name, title) in [
        ("lf-only-lower-case", "inverted, folded with LF"),
        ("cr-only", "old Mac"),
        ("mixed-ends-bom-blanks", "tabfold, space fold  end"),
        ("fold-inside-character", "Jörg 🎉"),
        ("invalid-utf8", "Caf\u{FFFD}"),
        ("every-property", "leading and trailing"),
        ("wrong-ends", ""),
    ] {
        let event = event(named(name));
        let master = event.series.master.as_ref().unwrap();
        assert_eq!(master.title.as_str(), title, "{name}");
        let remarked = event
            .remarks
            .iter()
            .any(|remark| remark.code == "invalid_utf8");
        assert_eq!(remarked, name == "invalid-utf8", "{name}");
    }
    let every = event(named("every-property"));
    let description = every.series.master.unwrap().description;
    assert_eq!(description.as_str(), ",;\\ : \" C:\\temp");

    assert_eq!(refusal(named("rubbish")).code(), "not_a_calendar");
    assert_eq!(refusal(named("cut-off")).code(), "cut_off");
    for name in ["todo", "journal-and-freebusy"] {
        let reading = read_object(named(name), &ReadContext::default());
        assert_eq!(reading.object, Object::Foreign, "{name}");
    }
}

#[test]
fn exceptions_are_found_in_all_their_forms() {
    let mix = event(named("recurring-cancelled-override"));
    let cancelled: Vec<String> = mix
        .series
        .overrides
        .iter()
        .filter(|(_, value)| **value == OverrideValue::Cancelled)
        .map(|(id, _)| id.to_string())
        .collect();
    let days = ["02", "03", "04", "05"];
    assert_eq!(cancelled, days.map(|day| format!("2026-12-{day}T09:00:00")));
    let OverrideValue::Fields(moved) = &mix.series.overrides[&wall("2026-12-06T09:00:00")] else {
        panic!("moved");
    };
    assert_eq!(moved.title.as_str(), "Daily, later");
    let recurrence = mix.series.master.unwrap().recurrence.unwrap();
    assert_eq!(recurrence.dates.len(), 3);

    let invited = event(named("only-overrides"));
    assert!(invited.series.master.is_none() && invited.attending && !invited.has_guests);
    assert!(
        invited
            .series
            .overrides
            .contains_key(&wall("2026-12-08T09:00:00"))
    );

    let future = event(named("this-and-future"));
    let said: Vec<String> = future
        .series
        .overrides
        .iter()
        .map(|(id, value)| match value {
            OverrideValue::Cancelled => format!("{id} cancelled"),
            OverrideValue::Fields(fields) => {
                format!("{id} {} {:?}", fields.title.as_str(), fields.when)
            }
        })
        .collect();
    assert_eq!(said.len(), 3);
    assert!(said[0].starts_with("2026-12-03T09:00:00 Short stand-up"));
    assert_eq!(said[1], "2026-12-04T09:00:00 cancelled");
    assert!(said[2].contains("2026-12-05T11:00:00") && said[2].contains("2026-12-05T11:30:00"));
}
