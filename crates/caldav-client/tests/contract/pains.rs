//! What users of other calendar syncs suffer from, where it is this client that must know better:
//! one test named after each pain. The whole list is at the head of
//! `bins/caldav-sync/tests/product/pains.rs`.

use simulators::caldav::{CaldavSim, Fault, FaultAction, Nresults, Quirks, TokenAnswer};
use sync_engine::ports::{SidePort as _, Written};

use crate::common::{
    create, cursor, done, fetched, ics, kind, names, observed, opened, removal, retitle, said, sim,
};

fn fill(sim: &CaldavSim, count: usize) {
    for at in 0..count {
        let uid = format!("e{at}");
        sim.put("alice", "work", &format!("{uid}.ics"), &ics(&uid, "Event"));
    }
}

#[tokio::test]
async fn pain_07_a_token_is_refused_in_many_spellings() {
    // What the trackers report, and what a server may think of next.
    let spellings = [
        (403, false),
        (403, true),
        (412, false),
        (415, false),
        (507, false),
        (400, true),
        (409, false),
        (501, true),
    ];
    for (status, bare) in spellings {
        let sim = sim(|quirks| {
            quirks.bogus_token = TokenAnswer::Status(status);
            quirks.token_refusal_without_condition = bare;
            // "Empty token: invalid."
            quirks.empty_token_refused = true;
        });
        fill(&sim, 4);
        let (_, calendar) = opened(&sim).await;
        let before = cursor(&calendar).await;
        // The deletion happened behind a token that is no longer known.
        sim.delete("alice", "work", "e1.ics");
        sim.expire_tokens("alice", "work");
        let listing = calendar.list(Some(&before)).await.unwrap();
        assert!(
            listing.complete,
            "{status}: it says that it read everything"
        );
        assert_eq!(names(&listing), ["e0.ics", "e2.ics", "e3.ics"], "{status}");
        // And it goes on by changes, not by complete reads for ever.
        sim.put("alice", "work", "e2.ics", &ics("e2", "Another title"));
        let next = calendar.list(listing.cursor.as_ref()).await.unwrap();
        assert!(names(&next).contains(&"e2.ics".to_owned()), "{status}");
    }
}

#[tokio::test]
async fn pain_09_a_list_cut_in_silence_is_no_list() {
    // Multiget gives no more than this, whatever is asked: asked for again, not taken for gone.
    let capped = sim(|quirks| quirks.multiget_cap = Some(3));
    fill(&capped, 10);
    let (_, calendar) = opened(&capped).await;
    let listing = calendar.list(None).await.unwrap();
    let seen = fetched(&calendar, &listing).await;
    assert_eq!(seen.len(), 10);
    assert!(
        seen.values().all(|seen| kind(seen) == "present"),
        "{seen:?}"
    );

    // A limit that truncates in silence is never sent, and time ranges, which some servers
    // fill in with a year of their own, are never asked for.
    let silent = sim(|quirks| quirks.nresults = Nresults::TruncatesSilently);
    fill(&silent, 30);
    let (_, calendar) = opened(&silent).await;
    assert_eq!(calendar.list(None).await.unwrap().items.len(), 30);

    // An answer that ends in the middle is an error, on every rung.
    for change in [(|_| {}) as fn(&mut Quirks), |quirks| {
        quirks.no_sync_collection = true;
        quirks.no_sync_token_property = true;
    }] {
        let sim = sim(change);
        fill(&sim, 5);
        let (_, calendar) = opened(&sim).await;
        let every = Fault {
            method: None,
            ..Fault::on("*", FaultAction::CutBody { bytes: 200 }).times(0)
        };
        sim.add_fault(every.after());
        let listing = calendar.list(None).await;
        assert!(listing.is_err(), "{listing:?}");
        sim.clear_faults();
    }
}

#[tokio::test]
async fn pain_13_a_uid_in_the_trash_bin_gets_another_name() {
    let sim = sim(|quirks| quirks.uid_trash = true);
    let (_, calendar) = opened(&sim).await;
    let first = create("s", "Tea");
    let made = done(calendar.create(&first).await.unwrap());
    let gone = calendar.remove(&removal(&made)).await.unwrap();
    assert_eq!(gone, Written::Removed);
    // "Deleted calendar object with uid already exists": said as what it is, not as a bad event.
    let Written::Taken { used_up: true, .. } = calendar.create(&first).await.unwrap() else {
        panic!("the bin was not recognised");
    };
    // What the engine does then: the next generation, under a UID and a name of its own.
    let mut next = create("s", "Tea");
    next.tag.generation += 1;
    let made = done(calendar.create(&next).await.unwrap());
    assert_ne!(next.tag.caldav_uid(), first.tag.caldav_uid());
    assert_ne!(next.tag.caldav_name(), first.tag.caldav_name());
    assert!(next.tag.proves_caldav(&made.uid));
}

#[tokio::test]
async fn pain_15_guests_and_what_mails_them_stay_as_they_are() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    // A copy has nobody in it.
    let copy = create("s", "Tea");
    done(calendar.create(&copy).await.unwrap());
    let text = sim
        .get("alice", "work", &copy.tag.caldav_name())
        .unwrap()
        .ics;
    for word in ["ATTENDEE", "ORGANIZER", "SCHEDULE-AGENT", "METHOD"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    // An edit of somebody's event leaves its guests, byte for byte, and mutes nobody.
    let guests = "ORGANIZER;CN=Grace:mailto:grace@example.org\r\n\
        ATTENDEE;PARTSTAT=NEEDS-ACTION;CN=\"Hopper; G.\":urn:uuid:1234\r\n\
        ATTENDEE;SCHEDULE-STATUS=\"1.2\";CN=Bob:mailto:bob@example.org\r\n";
    let event = ics("g", "Meeting").replace("END:VEVENT", &format!("{guests}END:VEVENT"));
    sim.put("alice", "work", "g.ics", &event);
    let seen = observed(&calendar, "g.ics").await;
    let after = done(calendar.update(&retitle(&seen, "Renamed")).await.unwrap());
    assert_eq!(
        said(&after).master.as_ref().unwrap().title.as_str(),
        "Renamed"
    );
    let text = sim.get("alice", "work", "g.ics").unwrap().ics;
    assert!(text.contains(guests), "{text}");
    assert!(!text.contains("SCHEDULE-AGENT"), "{text}");
}

#[tokio::test]
async fn pain_23_a_412_is_news_and_not_a_removal_and_a_creation() {
    let sim = sim(|_| {});
    sim.put("alice", "work", "a.ics", &ics("a", "One"));
    let (_, calendar) = opened(&sim).await;
    let seen = observed(&calendar, "a.ics").await;
    sim.put("alice", "work", "a.ics", &ics("a", "Edited meanwhile"));
    let Written::Stale { now } = calendar.update(&retitle(&seen, "Two")).await.unwrap() else {
        panic!("another version was overwritten");
    };
    assert_eq!(kind(&now), "present");
    let Written::Stale { .. } = calendar.remove(&removal(&seen)).await.unwrap() else {
        panic!("another version was removed");
    };
    assert!(sim.counts().get("DELETE").is_none_or(|count| *count <= 1));
    assert!(
        sim.get("alice", "work", "a.ics")
            .unwrap()
            .ics
            .contains("Edited meanwhile")
    );
}

#[tokio::test]
async fn pain_23_a_lock_of_a_moment_is_waited_for() {
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    let locked = |method: &str| {
        let answer = FaultAction::Status {
            code: 423,
            retry_after: None,
            body: String::new(),
        };
        sim.add_fault(Fault::on(method, answer));
    };
    locked("PUT");
    let made = done(calendar.create(&create("s", "Tea")).await.unwrap());
    locked("PUT");
    let after = done(calendar.update(&retitle(&made, "Coffee")).await.unwrap());
    locked("DELETE");
    let gone = calendar.remove(&removal(&after)).await.unwrap();
    assert_eq!(gone, Written::Removed);
}
