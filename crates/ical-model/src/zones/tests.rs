//! VTIMEZONEs evaluated, matched, and written.

use super::*;
use crate::component::Component;
use crate::limits::Limits;
use jiff::civil::{date, datetime};
use sync_engine::model::time::Timestamp;

const OUTLOOK_BERLIN: &str = "BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\n\
    TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\n\
    END:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\n\
    TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\n";

fn fixed(offset: &str) -> String {
    format!(
        "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:{offset}\r\n\
         TZOFFSETTO:{offset}\r\nEND:STANDARD\r\n"
    )
}

fn resolved(tzid: &str, rules: &str, repeats: bool) -> String {
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:{tzid}\r\n{rules}END:VTIMEZONE\r\nEND:VCALENDAR\r\n"
    );
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let zones = Zones::of(&document, datetime(2026, 7, 1, 10, 0, 0, 0), repeats);
    match zones.resolve(tzid) {
        Resolved::Zone(zone) => zone.to_string(),
        Resolved::Rules(_) => "rules".to_owned(),
        Resolved::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn rules_find_their_zone() {
    for repeats in [false, true] {
        let found = |tzid, rules: &str| resolved(tzid, rules, repeats);
        assert_eq!(
            found("Customized Time Zone", OUTLOOK_BERLIN),
            "Europe/Berlin"
        );
        assert_eq!(found("Mine", &fixed("+0530")), "Asia/Kolkata");
        assert_eq!(found("Mine", &fixed("+0000")), "UTC");
        assert_eq!(found("Mine", &fixed("+005328")), "rules");
        assert_eq!(found("Mine", ""), "unknown");
        // Rules beat an offset in the name, a name beats rules.
        assert_eq!(found("GMT+01:00", OUTLOOK_BERLIN), "Europe/Berlin");
        assert_eq!(found("Asia/Tokyo", OUTLOOK_BERLIN), "Asia/Tokyo");
        assert_eq!(found("EST", OUTLOOK_BERLIN), "Europe/Berlin");
        assert_eq!(found("EST", &fixed("-0500")), "EST");
        let paris = format!("X-LIC-LOCATION:Europe/Paris\r\n{OUTLOOK_BERLIN}");
        assert_eq!(found("Mine", &paris), "Europe/Paris");
        let wrong = format!("X-LIC-LOCATION:Asia/Tokyo\r\n{OUTLOOK_BERLIN}");
        assert_eq!(found("Mine", &wrong), "Europe/Berlin");
        assert_eq!(found("Mine", "X-LIC-LOCATION:Asia/Tokyo\r\n"), "Asia/Tokyo");
    }
}

#[test]
fn rules_without_a_zone_still_give_instants() {
    let text = format!("BEGIN:VTIMEZONE\r\n{OUTLOOK_BERLIN}END:VTIMEZONE\r\n");
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let rules = VTimezone::read(document.components().next().unwrap());
    let berlin = ZoneName::new("Europe/Berlin").unwrap().rules();
    for wall in [
        datetime(2026, 1, 1, 0, 0, 0, 0),
        datetime(2026, 3, 29, 2, 30, 0, 0),
        datetime(2026, 7, 1, 12, 0, 0, 0),
        datetime(2026, 10, 25, 2, 30, 0, 0),
        datetime(2026, 12, 31, 23, 59, 59, 0),
    ] {
        let expected = berlin.to_ambiguous_timestamp(wall).compatible().unwrap();
        assert_eq!(rules.instant(wall), Some(expected), "{wall}");
    }
}

#[test]
fn rules_with_an_end_a_count_or_dates_stop_where_they_say() {
    let text = "BEGIN:VTIMEZONE\r\nBEGIN:DAYLIGHT\r\nDTSTART:20200405T020000\r\nTZOFFSETFROM:-0500\r\n\
        TZOFFSETTO:-0400\r\nRRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20220403T070000Z\r\nEND:DAYLIGHT\r\n\
        BEGIN:STANDARD\r\nDTSTART:20201025T020000\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\n\
        RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=SU;BYSETPOS=-1;COUNT=2\r\nRDATE:20221105T020000,20230101T000000\r\n\
        END:STANDARD\r\nEND:VTIMEZONE\r\n";
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let rules = VTimezone::read(document.components().next().unwrap());
    let walls: Vec<String> = rules
        .onsets(2018, 2030)
        .iter()
        .map(|onset| onset.from.to_datetime(onset.at).to_string())
        .collect();
    assert_eq!(
        walls,
        [
            "2020-04-05T02:00:00",
            "2020-10-25T02:00:00",
            "2021-04-04T02:00:00",
            "2021-10-31T02:00:00",
            "2022-04-03T02:00:00",
            "2022-11-05T02:00:00",
            "2023-01-01T00:00:00",
        ]
    );
}

fn written(zone: &ZoneName, year: i16) -> (String, VTimezone) {
    let start: Timestamp = date(year, 6, 15)
        .to_zoned(zone.rules())
        .unwrap()
        .timestamp();
    let component: Component<'_> = describe(zone, start);
    let text = String::from_utf8(component.to_bytes()).unwrap();
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let rules = VTimezone::read(document.components().next().unwrap());
    (text, rules)
}

#[test]
fn every_zone_is_written_so_that_it_reads_back_for_twenty_years() {
    for zone in ZoneName::all() {
        for year in [1975, 2004, 2026] {
            let (text, rules) = written(&zone, year);
            let at = |year| {
                date(year, 6, 15)
                    .to_zoned(zone.rules())
                    .unwrap()
                    .timestamp()
            };
            assert!(
                matching::agree(
                    &rules.onsets(year, year + 21),
                    &zone.rules(),
                    at(year),
                    at(year + 20)
                ),
                "{zone} from {year}:\n{text}"
            );
        }
    }
}

#[test]
fn a_written_zone_is_as_short_as_its_rules() {
    let (text, _) = written(&ZoneName::new("Europe/Berlin").unwrap(), 2026);
    assert_eq!(
        text,
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\n\
         TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\n\
         END:DAYLIGHT\r\nBEGIN:STANDARD\r\nDTSTART:20261025T030000\r\nTZOFFSETFROM:+0200\r\n\
         TZOFFSETTO:+0100\r\nTZNAME:CET\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n\
         END:VTIMEZONE\r\n"
    );
    let (text, _) = written(&ZoneName::new("Asia/Tokyo").unwrap(), 2026);
    assert_eq!(text.matches("BEGIN:").count(), 2, "{text}");
}
