//! Servers in trouble, and servers that make trouble.

use std::time::{Duration, Instant};

use simulators::caldav::{Fault, FaultAction, Throttle, XmlMischief};
use sync_engine::ports::{ErrorClass, SidePort as _};

use crate::common::{account, ics, opened, sim};

#[tokio::test]
async fn a_stumble_is_forgiven() {
    for action in [
        FaultAction::Reset,
        FaultAction::status(500),
        FaultAction::status(502),
        FaultAction::status(503),
        FaultAction::status(429),
        FaultAction::CutBody { bytes: 40 },
        FaultAction::Status {
            code: 503,
            retry_after: Some("0".to_owned()),
            body: String::new(),
        },
    ] {
        let sim = sim(|_| {});
        sim.put("alice", "work", "a.ics", &ics("a", "A"));
        let (_, calendar) = opened(&sim).await;
        sim.add_fault(Fault::on("PROPFIND", action.clone()).times(2));
        let listing = calendar.list(None).await;
        assert_eq!(listing.unwrap().items.len(), 1, "{action:?}");
    }
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is_left_alone() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    sim.add_fault(
        Fault::on(
            "PROPFIND",
            FaultAction::Status {
                code: 429,
                retry_after: Some("3600".to_owned()),
                body: String::new(),
            },
        )
        .times(0),
    );
    let begun = jiff::Timestamp::now();
    let error = calendar.list(None).await.unwrap_err();
    let ErrorClass::Transient {
        not_before: Some(at),
    } = error.class
    else {
        panic!("{error:?}");
    };
    let wait = at.duration_since(begun).as_secs();
    assert!((3595..=3605).contains(&wait), "{wait}");
    // The whole account holds its breath.
    let asked = sim.log().len();
    assert_eq!(asked, 1);
    assert!(calendar.list(None).await.is_err());
    assert_eq!(sim.log().len(), asked);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "A"));
    let (_, calendar) = opened(&sim).await;
    sim.update_quirks(|quirks| {
        quirks.throttle = Some(Throttle {
            requests: 1,
            window_seconds: 1,
            status: 429,
            retry_after: Some("1".to_owned()),
        });
    });
    let listing = calendar.list(None).await.unwrap();
    assert_eq!(listing.items.len(), 1);
}

#[tokio::test]
async fn a_server_that_stays_down_is_for_the_next_run() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    for action in [
        FaultAction::status(503),
        FaultAction::status(502),
        FaultAction::Reset,
        FaultAction::status(500),
    ] {
        sim.add_fault(Fault::on("PROPFIND", action.clone()).times(0));
        let error = calendar.list(None).await.unwrap_err();
        assert!(
            matches!(error.class, ErrorClass::Transient { .. }),
            "{action:?}: {error}"
        );
        assert!(!error.action.is_empty());
        sim.clear_faults();
    }
}

#[tokio::test]
async fn a_password_changed_meanwhile_needs_a_person() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    sim.set_user(simulators::caldav::UserSpec::new("alice", "another"));
    let error = calendar.list(None).await.unwrap_err();
    assert_eq!(
        (error.class, error.code),
        (ErrorClass::Credentials, "caldav_unauthorized")
    );
}

#[tokio::test]
async fn bombs_and_nonsense_are_refused_quickly() {
    for mischief in [
        XmlMischief::NotXml,
        XmlMischief::CutOff,
        XmlMischief::Doctype,
        XmlMischief::EntityBomb,
        XmlMischief::ManyAttributes,
        XmlMischief::DeepNesting,
    ] {
        let sim = sim(|_| {});
        sim.put("alice", "work", "a.ics", &ics("a", "A"));
        let (_, calendar) = opened(&sim).await;
        sim.update_quirks(|quirks| quirks.xml_mischief = Some(mischief));
        let begun = Instant::now();
        let error = calendar.list(None).await.unwrap_err();
        assert_eq!(error.code, "caldav_garbled", "{mischief:?}: {error}");
        assert!(matches!(error.class, ErrorClass::Transient { .. }));
        let discovered = account(sim.url()).discover().await.unwrap_err();
        assert_eq!(discovered.code(), "caldav_not_found", "{mischief:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{mischief:?}");
    }
}
