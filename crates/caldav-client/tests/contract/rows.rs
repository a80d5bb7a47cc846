//! What was measured of servers and collected from public trackers: each row that asks something of
//! this client, and the test that shows it. The thirteen traps have tests of their names in `traps`;
//! what only asks something of the reader of texts is shown by `ical-model`'s.
//!
//! | row | shown by |
//! | --- | --- |
//! | well-known, principal, home on any rung; `basic` in lower case; 405 or 404 on the root | `discovery::the_address_may_be_any_rung_of_the_ladder`, `discovery::rungs_that_are_missing_are_stepped_over` |
//! | well-known leads elsewhere | `row_well_known_may_lead_elsewhere` |
//! | home on another host, credentials within the site only | `sites::credentials_follow_within_the_site`, `sites::a_home_on_another_site_gets_no_credentials_either` |
//! | the home lists inboxes, proxies, files, tasks | `discovery::calendars_come_with_what_people_need_to_choose` |
//! | no sync token, no ctag, neither | `listing::nothing_changed_is_one_question_on_every_rung` |
//! | tokens that count seconds, report again, or change by themselves | `listing::a_token_that_moves_by_itself_costs_one_question_in_the_end`, `trap_03_…` |
//! | no content type, no privileges, no component set | `row_properties_may_be_missing` |
//! | ETag on PUT though the body was rewritten; none at all; weak ones; `-gzip` | `trap_04_…`, `target::every_change_on_servers_with_weak_or_no_guards`, `writing::an_etag_that_only_get_shows_does_not_count` |
//! | the ETag changes on an identical PUT | `writing::a_change_that_is_there_already_is_no_write` |
//! | If-None-Match, If-Match and DELETE's condition ignored | `trap_03_…` |
//! | If-Match on what is missing creates it | `row_if_match_on_missing_creates_nothing` |
//! | one UID twice: 201, 403, 409, 412 | `trap_09_…`, `row_duplicate_uids_are_two_resources` |
//! | the UID is unique in the account, or moves there | `row_a_copy_never_takes_its_source_s_uid` |
//! | the UID stays in a trash bin | `trap_09_…` |
//! | initial sync with tombstones; created and deleted between two | `row_first_reports_may_name_the_dead`, `row_short_lived_resources_are_borne` |
//! | calendar-data in sync reports missing or 404 | `row_sync_reports_are_not_asked_for_content` |
//! | tokens refused, taken for anything, from the future | `trap_02_…`, `trap_09_…`, `listing::an_empty_answer_after_a_restored_backup_is_found_out` |
//! | an empty token element is refused | `row_the_first_report_carries_no_empty_token` |
//! | limits that cut silently | `trap_01_…`, `row_a_listing_cut_silently_deletes_nothing` |
//! | 404 for a listed member of a shared calendar | `row_a_listed_resource_that_is_404_is_read_alone` |
//! | time ranges that miss, are required, or are refused | `trap_13_…` |
//! | multiget: omitted, 404, whole 404, capped, empty hrefs | `trap_12_…` |
//! | invalid objects stored or refused with any code | `fetching::one_bad_event_is_one_bad_event`, `writing::one_refused_event_is_one_refused_event` |
//! | larger than the server takes | `row_too_large_is_one_event_s_failure` |
//! | hrefs escaped in any way, absolute, empty, twice | `trap_11_…`, `row_empty_hrefs_are_passed_over` |
//! | a missing collection as 207 | `listing::a_calendar_that_is_gone_or_closed_stops_its_mapping` |
//! | somebody else's calendar: 403, 404, 500 | `row_a_calendar_of_another_user_stops_its_mapping` |
//! | chunked and gzipped requests refused; no keep-alive | `trap_10_…`, `sites`, `writing::nobody_is_told_when_an_attended_event_goes` |
//! | sixteen creations at once | `row_racing_creations_make_one` |
//! | scheduling | `fetching::what_may_not_be_written_is_a_source_only`, `writing::nobody_is_told_when_an_attended_event_goes`, `trap_07_…` |
//! | 429, 503 and Retry-After | `failures::a_rate_limit_is_waited_for`, `failures::a_server_that_wants_to_be_left_alone_is_left_alone` |
//! | tasks and things without an event | `listing::tasks_and_files_are_foreign` |
//! | PRODID changes, UIDs are kept, DURATION, short VTIMEZONEs, RANGE, floating times | `ical-model` |

use simulators::caldav::{
    Access as SimAccess, CaldavSim, CaldavSimConfig, CalendarSpec, Fault, FaultAction, Quirks,
    SyncData,
};
use sync_engine::observation::Seen;
use sync_engine::ports::{ErrorClass, SidePort as _, Written};

use crate::common::{
    account, create, cursor, done, everything, ics, kind, lines, names, now, observed, opened,
    retitle, sim, stale, work,
};

fn fill(sim: &CaldavSim, count: usize) {
    for at in 0..count {
        let uid = format!("e{at}");
        sim.put("alice", "work", &format!("{uid}.ics"), &ics(&uid, "Event"));
    }
}

#[tokio::test]
async fn row_well_known_may_lead_elsewhere() {
    let other = sim(|_| {});
    let target = format!("{}/dav/", other.url());
    let sim = sim(|quirks| {
        quirks.well_known_target = Some(target);
        quirks.root_propfind_status = Some(404);
    });
    // Both are on this machine: the same site.
    let found = account(sim.url()).discover().await.unwrap();
    assert!(
        found
            .calendars
            .iter()
            .all(|calendar| calendar.url.as_str().starts_with(other.url()))
    );
}

#[tokio::test]
async fn row_properties_may_be_missing() {
    let sim = sim(|quirks| {
        quirks.no_content_type = true;
        quirks.no_privilege_set = true;
        quirks.no_component_set = true;
    });
    fill(&sim, 2);
    let account = account(sim.url());
    let facts = work(&account).await;
    assert!(facts.writable);
    let calendar = account.open(&facts, now()).unwrap();
    assert_eq!(everything(&calendar).await.len(), 2);
}

#[tokio::test]
async fn row_if_match_on_missing_creates_nothing() {
    let sim = sim(|quirks| quirks.if_match_on_missing_creates = true);
    fill(&sim, 1);
    let (_, calendar) = opened(&sim).await;
    let before = observed(&calendar, "e0.ics").await;
    sim.delete("alice", "work", "e0.ics");
    sim.clear_log();
    let now = stale(calendar.update(&retitle(&before, "Back")).await.unwrap());
    assert_eq!((kind(&now), sim.writes()), ("gone", 0));
    assert!(sim.objects("alice", "work").is_empty());
}

#[tokio::test]
async fn row_duplicate_uids_are_two_resources() {
    let sim = sim(|quirks| quirks.duplicate_uid_status = None);
    sim.put("alice", "work", "one.ics", &ics("same", "One"));
    sim.put("alice", "work", "two.ics", &ics("same", "Two"));
    let (_, calendar) = opened(&sim).await;
    let seen = everything(&calendar).await;
    assert_eq!(seen.len(), 2);
    let keys: Vec<_> = seen
        .values()
        .map(|seen| match seen {
            Seen::Present(seen) => seen.series.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        keys[0], keys[1],
        "who represents the series is the engine's to say"
    );
}

#[tokio::test]
async fn row_a_copy_never_takes_its_source_s_uid() {
    for moves in [true, false] {
        let sim = sim(|quirks| {
            quirks.uid_moves = moves;
            quirks.uid_unique_per_user = !moves;
        });
        sim.create_calendar("alice", CalendarSpec::new("private", "Private"));
        sim.put(
            "alice",
            "private",
            "a.ics",
            &ics("source@example.com", "Source"),
        );
        let (_, calendar) = opened(&sim).await;
        let made = done(
            calendar
                .create(&create("source@example.com", "Copy"))
                .await
                .unwrap(),
        );
        assert_ne!(made.uid.as_str(), "source@example.com");
        assert_eq!(
            sim.objects("alice", "private").len(),
            1,
            "it is not moved away"
        );
        assert_eq!(sim.objects("alice", "work").len(), 1);
    }
}

#[tokio::test]
async fn row_first_reports_may_name_the_dead() {
    let sim = sim(|quirks| {
        quirks.sync_initial_tombstones = true;
        quirks.no_sync_token_property = true;
    });
    fill(&sim, 3);
    sim.delete("alice", "work", "e0.ics");
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    assert!(listing.complete);
    assert_eq!(names(&listing), ["e1.ics", "e2.ics"]);
}

#[tokio::test]
async fn row_short_lived_resources_are_borne() {
    for hides in [true, false] {
        let sim = sim(|quirks| quirks.sync_hides_short_lived = hides);
        fill(&sim, 8);
        let (_, calendar) = opened(&sim).await;
        let before = cursor(&calendar).await;
        sim.put("alice", "work", "brief.ics", &ics("brief", "Brief"));
        sim.delete("alice", "work", "brief.ics");
        let listing = calendar.list(Some(&before)).await.unwrap();
        // A token that moved without a change may be another server's: then everything is listed.
        let lines = lines(&listing);
        if listing.complete {
            assert!(
                lines.len() == 8 && !lines.contains_key("brief.ics"),
                "{lines:?}"
            );
        } else {
            assert!(
                lines
                    .iter()
                    .all(|(name, line)| name == "brief.ics" && line == "gone")
            );
        }
    }
}

#[tokio::test]
async fn row_sync_reports_are_not_asked_for_content() {
    for data in [SyncData::Given, SyncData::NotFound, SyncData::LeftOut] {
        let sim = sim(|quirks| quirks.sync_data = data);
        fill(&sim, 8);
        let (_, calendar) = opened(&sim).await;
        let before = cursor(&calendar).await;
        sim.put("alice", "work", "e1.ics", &ics("e1", "Changed"));
        let listing = calendar.list(Some(&before)).await.unwrap();
        assert_eq!(names(&listing), ["e1.ics"]);
        let reports = sim.log();
        let mut reports = reports
            .iter()
            .filter(|request| request.body.contains("sync-collection"));
        assert!(reports.all(|request| !request.body.contains("calendar-data")));
    }
}

#[tokio::test]
async fn row_the_first_report_carries_no_empty_token() {
    let sim = sim(|quirks| {
        quirks.empty_token_refused = true;
        quirks.no_sync_token_property = true;
    });
    fill(&sim, 3);
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    assert!(listing.complete && listing.items.len() == 3);
}

#[tokio::test]
async fn row_a_listing_cut_silently_deletes_nothing() {
    let sim = sim(|_| {});
    fill(&sim, 5);
    let (_, calendar) = opened(&sim).await;
    let whole = everything(&calendar).await;
    sim.update_quirks(|quirks| quirks.list_cap = Some(2));
    let listing = calendar.list(None).await.unwrap();
    let listed = names(&listing);
    assert_eq!(listed.len(), 2);
    // What it leaves out is asked for alone, and is there.
    let missing: Vec<_> = whole
        .values()
        .map(|seen| seen.resource().clone())
        .filter(|id| !listed.contains(&crate::common::last(id)))
        .collect();
    let seen = calendar.fetch(&missing).await.unwrap();
    assert!(seen.len() == 3 && seen.iter().all(|seen| kind(seen) == "present"));
}

#[tokio::test]
async fn row_a_listed_resource_that_is_404_is_read_alone() {
    let sim = sim(|quirks| {
        quirks.unreadable.insert("e1.ics".to_owned(), 500);
        quirks.unlisted = vec!["e2.ics".to_owned()];
    });
    fill(&sim, 3);
    let (_, calendar) = opened(&sim).await;
    let seen = everything(&calendar).await;
    assert_eq!(kind(&seen["e0.ics"]), "present");
    assert_eq!(
        kind(&seen["e1.ics"]),
        "unreadable",
        "there, and not to be read"
    );
    assert!(!seen.contains_key("e2.ics"));
}

#[tokio::test]
async fn row_too_large_is_one_event_s_failure() {
    let sim = sim(|quirks| quirks.max_body_bytes = 300);
    let (_, calendar) = opened(&sim).await;
    let error = calendar
        .create(&create("s", &"long ".repeat(100)))
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Event, "{error}");
    for status in [400, 403, 404, 412, 415, 500] {
        sim.update_quirks(|quirks| quirks.max_body_bytes = 1_000_000);
        sim.add_fault(Fault::on("PUT", FaultAction::status(status)).times(2));
        let error = calendar.create(&create("t", "Invalid")).await.unwrap_err();
        assert_ne!(error.class, ErrorClass::Credentials, "{status}: {error}");
        sim.clear_faults();
    }
}

#[tokio::test]
async fn row_empty_hrefs_are_passed_over() {
    let sim = sim(|quirks| quirks.empty_href_for_colon = true);
    fill(&sim, 2);
    sim.put("alice", "work", "a:b;c.ics", &ics("odd", "Odd"));
    let (_, calendar) = opened(&sim).await;
    let listing = calendar.list(None).await.unwrap();
    assert_eq!(names(&listing), ["e0.ics", "e1.ics"]);
}

#[tokio::test]
async fn row_a_calendar_of_another_user_stops_its_mapping() {
    for status in [403, 404] {
        let sim = sim(|quirks| quirks.foreign_status = status);
        let account = account(sim.url());
        let mut facts = work(&account).await;
        let url = facts.url.as_str().replace("/alice/", "/bob/");
        facts.url = sync_engine::model::CalendarId::new(url);
        let calendar = account.open(&facts, now()).unwrap();
        let error = calendar.list(None).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Calendar, "{status}: {error}");
    }
}

#[tokio::test]
async fn row_racing_creations_make_one() {
    for quirks in [Quirks::default(), Quirks::like_sogo()] {
        let sim = CaldavSim::start(CaldavSimConfig {
            quirks,
            ..CaldavSimConfig::default()
        })
        .unwrap();
        let (_, calendar) = opened(&sim).await;
        let wanted = create("s", "Tea");
        let all = futures_util::future::join_all((0..16).map(|_| calendar.create(&wanted))).await;
        assert_eq!(sim.objects("alice", "work").len(), 1);
        for written in all {
            let there = match written.unwrap() {
                Written::Done(_) | Written::Unproven { now: Some(_), .. } => true,
                Written::Taken { now, used_up } => !used_up && matches!(*now, Seen::Present(_)),
                _ => false,
            };
            assert!(there);
        }
    }
    // Who may not write is told before anything is lost.
    let sim = sim(|_| {});
    sim.set_access("alice", "work", SimAccess::ReadOnly);
    let (_, calendar) = opened(&sim).await;
    assert!(calendar.create(&create("s", "Tea")).await.is_err());
}
