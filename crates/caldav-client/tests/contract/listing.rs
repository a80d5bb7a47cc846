//! What changed: the ladder, its cursor, and one question when nothing did.

use simulators::caldav::{CaldavSim, Fault, FaultAction, Quirks, TokenAnswer, TokenForm};
use sync_engine::model::Cursor;
use sync_engine::ports::{ErrorClass, SidePort as _};

use crate::common::{cursor, ics, lines, names, opened, reopened, sim, todo};

fn fill(sim: &CaldavSim, count: usize) {
    for at in 0..count {
        sim.put(
            "alice",
            "work",
            &format!("e{at}.ics"),
            &ics(&format!("e{at}"), "Event"),
        );
    }
}

/// One server for each rung.
fn rungs() -> [CaldavSim; 4] {
    [
        sim(|_| {}),
        sim(|quirks| quirks.no_sync_token_property = true),
        sim(|quirks| {
            quirks.no_sync_collection = true;
            quirks.no_sync_token_property = true;
        }),
        sim(|quirks| {
            quirks.no_sync_collection = true;
            quirks.no_sync_token_property = true;
            quirks.no_getctag = true;
        }),
    ]
}

#[tokio::test]
async fn nothing_changed_is_one_question_on_every_rung() {
    for sim in rungs() {
        fill(&sim, 3);
        let (_, calendar) = opened(&sim).await;
        let first = calendar.list(None).await.unwrap();
        assert!(first.complete);
        assert_eq!(names(&first), ["e0.ics", "e1.ics", "e2.ics"]);
        let mut cursor = first.cursor.unwrap();
        for _ in 0..3 {
            sim.clear_log();
            let again = calendar.list(Some(&cursor)).await.unwrap();
            assert_eq!(sim.log().len(), 1, "{:?}", sim.counts());
            assert!(again.complete || again.items.is_empty());
            cursor = again.cursor.unwrap();
        }
    }
}

#[tokio::test]
async fn changes_and_deletions_show_on_every_rung() {
    for sim in rungs() {
        fill(&sim, 12);
        let (_, calendar) = opened(&sim).await;
        let before = calendar.list(None).await.unwrap();
        assert!(sim.delete("alice", "work", "e0.ics"));
        sim.put("alice", "work", "e1.ics", &ics("e1", "Changed"));
        sim.put("alice", "work", "new.ics", &ics("new", "New"));
        let after = calendar.list(before.cursor.as_ref()).await.unwrap();
        let old = lines(&before);
        let new = lines(&after);
        assert_ne!(new["e1.ics"], old["e1.ics"]);
        assert!(new.contains_key("new.ics"));
        if after.complete {
            assert!(!new.contains_key("e0.ics") && new.len() == 12);
        } else {
            assert_eq!(new["e0.ics"], "gone");
            assert_eq!(new.len(), 3);
        }
    }
}

#[tokio::test]
async fn everything_is_listed_again_after_a_day() {
    let sim = sim(|_| {});
    fill(&sim, 2);
    let (account, calendar) = opened(&sim).await;
    let cursor = cursor(&calendar).await;
    let soon = reopened(&account, 23).await;
    assert!(!soon.list(Some(&cursor)).await.unwrap().complete);
    let late = reopened(&account, 24).await;
    assert!(late.list(Some(&cursor)).await.unwrap().complete);
}

#[tokio::test]
async fn a_cursor_of_another_age_is_as_good_as_none() {
    let sim = sim(|_| {});
    fill(&sim, 2);
    let (_, calendar) = opened(&sim).await;
    for text in ["", "http://old/token", "{\"mode\":7}"] {
        let listing = calendar.list(Some(&Cursor::new(text))).await.unwrap();
        assert!(listing.complete && listing.items.len() == 2);
    }
}

#[tokio::test]
async fn a_report_in_pages_is_followed_to_its_end() {
    let sim = sim(|quirks| quirks.sync_page_size = Some(2));
    let (_, calendar) = opened(&sim).await;
    fill(&sim, 1);
    let cursor = cursor(&calendar).await;
    for at in 1..5 {
        sim.put(
            "alice",
            "work",
            &format!("e{at}.ics"),
            &ics(&format!("e{at}"), "Event"),
        );
    }
    let changes = calendar.list(Some(&cursor)).await.unwrap();
    assert_eq!(names(&changes), ["e1.ics", "e2.ics", "e3.ics", "e4.ics"]);
    assert!(
        calendar
            .list(changes.cursor.as_ref())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_report_that_is_announced_and_refused_is_not_asked_for_for_ever() {
    for status in [403, 500, 501] {
        let sim = sim(|quirks| quirks.sync_collection_status = Some(status));
        fill(&sim, 3);
        let (_, calendar) = opened(&sim).await;
        let mut cursor = cursor(&calendar).await;
        for _ in 0..2 {
            let listing = calendar.list(Some(&cursor)).await.unwrap();
            assert!(listing.complete && listing.items.len() == 3, "{status}");
            cursor = listing.cursor.unwrap();
        }
        sim.clear_log();
        let settled = calendar.list(Some(&cursor)).await.unwrap();
        assert!(
            settled.items.is_empty() && sim.log().len() == 1,
            "{:?}",
            sim.counts()
        );
    }
}

#[tokio::test]
async fn a_token_that_moves_by_itself_costs_one_question_in_the_end() {
    let sim = sim(|quirks| quirks.token_form = TokenForm::UnixSeconds);
    fill(&sim, 3);
    let (_, calendar) = opened(&sim).await;
    let mut cursor = cursor(&calendar).await;
    for _ in 0..4 {
        sim.clear_log();
        cursor = calendar.list(Some(&cursor)).await.unwrap().cursor.unwrap();
    }
    assert_eq!(sim.log().len(), 1, "{:?}", sim.counts());
}

#[tokio::test]
async fn an_empty_answer_after_a_restored_backup_is_found_out() {
    let sim = sim(|quirks| quirks.future_token = TokenAnswer::EmptyList);
    fill(&sim, 3);
    let (_, calendar) = opened(&sim).await;
    let backup = sim.backup();
    sim.delete("alice", "work", "e0.ics");
    sim.put("alice", "work", "e9.ics", &ics("e9", "Late"));
    let cursor = cursor(&calendar).await;
    sim.restore(backup);
    let listing = calendar.list(Some(&cursor)).await.unwrap();
    assert!(listing.complete, "{listing:?}");
    assert_eq!(names(&listing), ["e0.ics", "e1.ics", "e2.ics"]);
}

#[tokio::test]
async fn tasks_and_files_are_foreign() {
    let sim = sim(|quirks| quirks.component_set_not_enforced = true);
    sim.put("alice", "work", "task.ics", &todo("t"));
    fill(&sim, 1);
    let (_, calendar) = opened(&sim).await;
    let seen = crate::common::everything(&calendar).await;
    let listing = calendar.list(None).await.unwrap();
    let task = lines(&listing).remove("task.ics").unwrap();
    assert!(task == "foreign" || crate::common::kind(&seen["task.ics"]) == "foreign");
}

#[tokio::test]
async fn a_calendar_that_is_gone_or_closed_stops_its_mapping() {
    for missing_as_207 in [false, true] {
        let sim = sim(|quirks| quirks.missing_collection_207 = missing_as_207);
        fill(&sim, 2);
        let (_, calendar) = opened(&sim).await;
        let cursor = cursor(&calendar).await;
        assert!(sim.remove_calendar("alice", "work"));
        for cursor in [None, Some(&cursor)] {
            let error = calendar.list(cursor).await.unwrap_err();
            assert_eq!(
                (error.code, error.class),
                ("calendar_gone", ErrorClass::Calendar)
            );
        }
    }
    let sim = sim(|_| {});
    let (_, calendar) = opened(&sim).await;
    sim.add_fault(Fault::on("PROPFIND", FaultAction::status(403)).times(0));
    let error = calendar.list(None).await.unwrap_err();
    assert_eq!(
        (error.code, error.class),
        ("calendar_forbidden", ErrorClass::Calendar)
    );
}

#[tokio::test]
async fn a_listing_cut_short_is_finished_or_an_error() {
    let cut = "<multistatus xmlns=\"DAV:\"><response><href>/dav/calendars/alice/work/</href>\
               <status>HTTP/1.1 507 Insufficient Storage</status></response></multistatus>";
    for pages in [true, false] {
        let sim = sim(|quirks| {
            quirks.no_sync_collection = !pages;
            quirks.no_sync_token_property = !pages;
            quirks.sync_page_size = Some(2);
        });
        fill(&sim, 5);
        let (_, calendar) = opened(&sim).await;
        sim.add_fault(
            Fault::on(
                "PROPFIND",
                FaultAction::Status {
                    code: 207,
                    retry_after: None,
                    body: cut.to_owned(),
                },
            )
            .body("getcontenttype"),
        );
        let listing = calendar.list(None).await;
        if pages {
            let listing = listing.unwrap();
            assert!(listing.complete && listing.items.len() == 5);
        } else {
            assert_eq!(listing.unwrap_err().code, "caldav_list_truncated");
        }
    }
}

#[tokio::test]
async fn the_likes_of_known_servers_are_read() {
    for quirks in [
        Quirks::like_sogo(),
        Quirks::like_icloud(),
        Quirks::like_old_sabre(),
    ] {
        let sim = crate::common::sim_with(quirks);
        fill(&sim, 4);
        let (_, calendar) = opened(&sim).await;
        let first = calendar.list(None).await.unwrap();
        assert_eq!(names(&first).len(), 4);
        sim.delete("alice", "work", "e3.ics");
        let next = calendar.list(first.cursor.as_ref()).await.unwrap();
        let new = lines(&next);
        assert!(if next.complete {
            !new.contains_key("e3.ics")
        } else {
            new["e3.ics"] == "gone"
        });
        assert_eq!(crate::common::everything(&calendar).await.len(), 3);
    }
}
