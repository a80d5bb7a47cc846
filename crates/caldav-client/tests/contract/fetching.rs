//! Reading what a listing named.

use simulators::caldav::{
    Access as SimAccess, CaldavSim, CaldavSimConfig, Fault, FaultAction, UserSpec,
};
use sync_engine::model::ResourceId;
use sync_engine::observation::{Access, Seen};
use sync_engine::ports::SidePort as _;

use crate::common::{event, everything, fetched, ics, kind, observed, opened, sim, title};

#[tokio::test]
async fn a_hundred_events_take_two_requests() {
    let sim = sim(|_| {});
    for at in 0..100 {
        sim.put(
            "alice",
            "work",
            &format!("e{at}.ics"),
            &ics(&format!("e{at}"), "Event"),
        );
    }
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    sim.clear_log();
    let seen = fetched(&calendar, &listing).await;
    assert!(seen.len() == 100 && seen.values().all(|seen| kind(seen) == "present"));
    assert_eq!(sim.log().len(), 2, "{:?}", sim.counts());
}

#[tokio::test]
async fn one_bad_event_is_one_bad_event() {
    let sim = sim(|quirks| {
        quirks.unreadable.insert("closed.ics".to_owned(), 403);
        quirks.unreadable.insert("broken.ics".to_owned(), 500);
    });
    sim.put("alice", "work", "good.ics", &ics("good", "Good"));
    sim.put("alice", "work", "nonsense.ics", "this is no calendar");
    sim.put(
        "alice",
        "work",
        "cut.ics",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:cut\r\n",
    );
    sim.put("alice", "work", "closed.ics", &ics("closed", "Closed"));
    sim.put("alice", "work", "broken.ics", &ics("broken", "Broken"));
    sim.put(
        "alice",
        "work",
        "large.ics",
        &event(
            "large",
            &format!("DESCRIPTION:{}\r\n", "x".repeat(11_000_000)),
        ),
    );
    let (_, calendar) = opened(&sim).await;
    let seen = everything(&calendar).await;
    assert_eq!(kind(&seen["good.ics"]), "present");
    for name in [
        "nonsense.ics",
        "cut.ics",
        "closed.ics",
        "broken.ics",
        "large.ics",
    ] {
        let Seen::Unreadable { reason, .. } = &seen[name] else {
            panic!("{name}: {}", kind(&seen[name]));
        };
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn a_control_character_spoils_one_event_and_not_its_neighbours() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "good.ics", &ics("good", "Good"));
    sim.put("alice", "work", "odd.ics", &ics("odd", "O\u{1}dd"));
    let (_, calendar) = opened(&sim).await;
    let seen = everything(&calendar).await;
    assert_eq!(kind(&seen["good.ics"]), "present");
    assert_ne!(kind(&seen["odd.ics"]), "gone");
}

#[tokio::test]
async fn only_a_404_to_the_question_alone_is_an_absence() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "A"));
    sim.put("alice", "work", "b.ics", &ics("b", "B"));
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    sim.delete("alice", "work", "a.ics");
    let seen = fetched(&calendar, &listing).await;
    assert_eq!(
        (kind(&seen["a.ics"]), kind(&seen["b.ics"])),
        ("gone", "present")
    );
    assert_eq!(
        sim.counts()["GET"],
        1,
        "the missing one was asked for by itself"
    );
}

#[tokio::test]
async fn an_id_asked_for_twice_is_answered_once() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "A"));
    let (_, calendar) = opened(&sim).await;
    let id = observed(&calendar, "a.ics").await.resource;
    let never = ResourceId::new(id.as_str().replace("a.ics", "never.ics"));
    let seen = calendar.fetch(&[id.clone(), never, id]).await.unwrap();
    let mut kinds: Vec<_> = seen.iter().map(kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["gone", "present"]);
}

#[tokio::test]
async fn a_server_without_multiget_is_read_one_by_one() {
    let sim = sim(|_| {});
    for at in 0..5 {
        sim.put(
            "alice",
            "work",
            &format!("e{at}.ics"),
            &ics(&format!("e{at}"), "Event"),
        );
    }
    let (account, calendar) = opened(&sim).await;
    sim.add_fault(
        Fault::on("REPORT", FaultAction::status(501))
            .body("multiget")
            .times(0),
    );
    let seen = everything(&calendar).await;
    assert!(seen.len() == 5 && seen.values().all(|seen| kind(seen) == "present"));
    assert!(account.profile().no_multiget);
}

#[tokio::test]
async fn a_server_without_etags_is_read_by_content() {
    let sim = sim(|quirks| quirks.no_etags = true);
    sim.put("alice", "work", "a.ics", &ics("a", "A"));
    sim.put("alice", "work", "b.ics", &ics("b", "B"));
    let (_, calendar) = opened(&sim).await;
    let first = observed(&calendar, "a.ics").await;
    assert_eq!(observed(&calendar, "a.ics").await.etag, first.etag);
    sim.put("alice", "work", "a.ics", &ics("a", "Changed"));
    let changed = observed(&calendar, "a.ics").await;
    assert_ne!(changed.etag, first.etag);
    assert_eq!(title(&changed), "Changed");
    // Read alone or in a batch, it is the same version.
    let alone = calendar
        .fetch(std::slice::from_ref(&changed.resource))
        .await
        .unwrap();
    assert_eq!(alone[0].etag(), changed.etag.as_ref());
}

#[tokio::test]
async fn what_may_not_be_written_is_a_source_only() {
    let guests = "SUMMARY:Party\r\nORGANIZER:mailto:alice@example.org\r\n\
                  ATTENDEE:mailto:alice@example.org\r\nATTENDEE:mailto:carol@example.org\r\n";
    for (auto_schedule, expected) in [(true, Access::MailsGuests), (false, Access::Full)] {
        let sim = sim(|quirks| quirks.auto_schedule = auto_schedule);
        sim.put("alice", "work", "party.ics", &event("party", guests));
        sim.put("alice", "work", "plain.ics", &ics("plain", "Plain"));
        let (_, calendar) = opened(&sim).await;
        let party = observed(&calendar, "party.ics").await;
        assert!(party.has_guests);
        assert_eq!(party.access, expected);
        assert_eq!(observed(&calendar, "plain.ics").await.access, Access::Full);
    }
    let sim = sim(|_| {});
    sim.put("alice", "work", "plain.ics", &ics("plain", "Plain"));
    sim.set_access("alice", "work", SimAccess::ReadOnly);
    let (_, calendar) = opened(&sim).await;
    assert!(!calendar.capabilities().writable);
    assert_eq!(
        observed(&calendar, "plain.ics").await.access,
        Access::ReadOnly
    );
}

#[tokio::test]
async fn a_user_name_that_is_an_address_is_the_owner_s() {
    let mut user = UserSpec::new("alice", "alicepw");
    user.addresses.clear();
    let mut config = CaldavSimConfig::default();
    config.quirks.auto_schedule = true;
    config.users = vec![user];
    let sim = CaldavSim::start(config).unwrap();
    sim.put(
        "alice",
        "work",
        "a.ics",
        &event(
            "a",
            "SUMMARY:A\r\nORGANIZER:mailto:x@example.org\r\nATTENDEE:mailto:x@example.org\r\n",
        ),
    );
    let (_, calendar) = opened(&sim).await;
    // Nobody is known to be the owner: whoever attends is a guest.
    let seen = observed(&calendar, "a.ics").await;
    assert!(seen.has_guests && seen.access == Access::Full);
}
