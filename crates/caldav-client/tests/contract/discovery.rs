//! From an address somebody typed to calendars.

use caldav_client::{Error, Profile, SignIn};
use simulators::caldav::{AuthScheme, CaldavSim, CaldavSimConfig, CalendarSpec, Quirks};

use crate::common::{account, account_with, reason, sim, work};

fn furnished() -> CaldavSim {
    let zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VTIMEZONE\r\n\
                TZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n\
                TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
                END:VCALENDAR\r\n";
    let mut private = CalendarSpec::new("private", "Private Things").color("#2952A3FF");
    private.timezone = Some(zone.to_owned());
    CaldavSim::start(CaldavSimConfig {
        calendars: vec![
            ("alice".to_owned(), CalendarSpec::new("work", "Work")),
            ("alice".to_owned(), private),
            (
                "alice".to_owned(),
                CalendarSpec::new("shared", "Shared").read_only(),
            ),
            (
                "alice".to_owned(),
                CalendarSpec::new("tasks", "Tasks").components(&["VTODO"]),
            ),
        ],
        quirks: Quirks {
            home_lists_extras: true,
            inbox_typed_as_calendar: true,
            ..Quirks::default()
        },
        ..CaldavSimConfig::default()
    })
    .unwrap()
}

#[tokio::test]
async fn calendars_come_with_what_people_need_to_choose() {
    let sim = furnished();
    let found = account(sim.url()).discover().await.unwrap();
    let mut shown: Vec<_> = found
        .calendars
        .iter()
        .map(|calendar| {
            (
                calendar.name.as_str(),
                calendar.color.as_deref(),
                calendar.writable,
                calendar
                    .time_zone
                    .as_ref()
                    .map(sync_engine::model::ZoneName::as_str),
            )
        })
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            (
                "Private Things",
                Some("#2952a3"),
                true,
                Some("Europe/Berlin")
            ),
            ("Shared", None, false, None),
            ("Work", None, true, None),
        ],
        "no tasks, no inbox, no outbox, no address book, no file"
    );
    assert_eq!(found.profile.addresses, ["mailto:alice@example.org"]);
    assert!(found.profile.private && !found.profile.auto_schedule);
    assert_eq!(found.profile.sign_in, SignIn::Basic);
}

#[tokio::test]
async fn the_address_may_be_any_rung_of_the_ladder() {
    let sim = furnished();
    let root = sim.url().to_owned();
    let calendar = sim.calendar_url("alice", "work");
    let home = calendar.trim_end_matches("work/").to_owned();
    let expected = account(&root).discover().await.unwrap().calendars;
    let principal = account(&root)
        .discover()
        .await
        .unwrap()
        .profile
        .principal
        .unwrap();
    for typed in [
        root.clone(),
        format!("{root}/"),
        format!("{root}/dav/"),
        format!("{root}/.well-known/caldav"),
        format!("{root}/no/such/path"),
        home.clone(),
        principal,
        calendar.clone(),
        calendar.trim_end_matches('/').to_owned(),
    ] {
        let mut found = account(&typed).discover().await.unwrap().calendars;
        if typed.trim_end_matches('/') == calendar.trim_end_matches('/') {
            assert_eq!(found[0].url.as_str(), calendar, "the one typed comes first");
        }
        found.sort_by(|a, b| a.url.cmp(&b.url));
        let mut all = expected.clone();
        all.sort_by(|a, b| a.url.cmp(&b.url));
        assert_eq!(found, all, "{typed}");
    }
}

#[tokio::test]
async fn rungs_that_are_missing_are_stepped_over() {
    for change in [
        (|q: &mut Quirks| q.no_well_known = true) as fn(&mut Quirks),
        |q| q.root_propfind_status = Some(405),
        |q| q.root_propfind_status = Some(404),
        |q| q.lower_case_challenge = true,
        |q| q.absolute_hrefs = true,
        |q| q.no_privilege_set = true,
        |q| q.no_component_set = true,
        |q| q.xml_style = simulators::caldav::XmlStyle::Odd,
        |q| q.xml_style = simulators::caldav::XmlStyle::DefaultNamespace,
        |q| q.xml_mischief = Some(simulators::caldav::XmlMischief::LeadingBlanks),
        |q| q.no_keep_alive = true,
        |q| q.gzip = true,
        |q| q.status_beside_propstat = true,
    ] {
        let sim = sim(change);
        let found = account(sim.url()).discover().await.unwrap();
        assert_eq!(found.calendars.len(), 1, "{:?}", sim.quirks());
    }
}

#[tokio::test]
async fn a_server_that_mails_guests_is_known_for_it() {
    let sim = sim(|quirks| quirks.auto_schedule = true);
    assert!(
        account(sim.url())
            .discover()
            .await
            .unwrap()
            .profile
            .auto_schedule
    );
}

#[tokio::test]
async fn a_wrong_password_is_said_so() {
    for auth in [AuthScheme::Basic, AuthScheme::Digest, AuthScheme::Both] {
        let sim = CaldavSim::start(CaldavSimConfig {
            auth,
            ..CaldavSimConfig::default()
        })
        .unwrap();
        let account = account_with(sim.url(), "wrong-canary", Profile::default());
        let error = account.discover().await.unwrap_err();
        assert_eq!(error.code(), "caldav_unauthorized", "{error}");
        assert!(!reason(&error).contains("canary") && !format!("{error:?}").contains("canary"));
        assert!(!format!("{account:?}").contains("canary"));
        assert!(sim.log().len() <= 4, "no hammering: {:?}", sim.counts());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_so() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = account(&format!("http://{closed}"))
        .discover()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "caldav_unreachable");
    assert!(error.action().contains("port"), "{}", error.action());
    let error = account("http://no-such-host.invalid")
        .discover()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "caldav_unreachable");
    assert!(error.action().contains("spelling"), "{}", error.action());
}

#[tokio::test]
async fn a_place_without_calendars_is_said_so() {
    let nothing = CaldavSim::start(CaldavSimConfig {
        calendars: Vec::new(),
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let error = account(nothing.url()).discover().await.unwrap_err();
    assert!(matches!(error, Error::NoCalendars { .. }), "{error}");
    assert_eq!(error.code(), "caldav_not_found");

    let web = crate::sites::web_server("200 OK", "<!DOCTYPE html><html>Hello</html>").await;
    let error = account(&format!("http://{web}"))
        .discover()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotCaldav { .. }), "{error}");
    assert_eq!(error.code(), "caldav_not_found");
}

#[tokio::test]
async fn what_was_learned_is_good_for_the_next_start() {
    let sim = CaldavSim::start(CaldavSimConfig {
        auth: AuthScheme::Digest,
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let first = account(sim.url());
    let facts = work(&first).await;
    let profile = serde_json::to_string(&first.profile()).unwrap();
    let facts_text = serde_json::to_string(&facts).unwrap();

    let profile: Profile = serde_json::from_str(&profile).unwrap();
    assert_eq!(profile.sign_in, SignIn::Digest);
    let second = account_with(sim.url(), "alicepw", profile);
    let facts = serde_json::from_str(&facts_text).unwrap();
    let calendar = second.open(&facts, crate::common::now()).unwrap();
    assert!(
        sync_engine::ports::SidePort::list(&calendar, None)
            .await
            .unwrap()
            .complete
    );
}
