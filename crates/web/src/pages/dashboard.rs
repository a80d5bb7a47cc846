//! The dashboard: is it all in step, since when, and what needs me?

use std::time::Duration;

use actix_web::HttpResponse;
use app::records::{CaldavStatus, GoogleStatus, RunState};
use app::{MappingStatus, RunHandle, State, Status, SyncRequest};
use maud::{Markup, html};
use sync_engine::model::time::Timestamp;

use super::shell::{Here, Page, Shell};
use super::widgets::{badge, joined, trouble};
use super::words::{self, Accounts, Condition, counted};
use super::{Answer, declared, redirect, webhooks};
use crate::input::Form;
use crate::web::Web;

/// How long a page waits for a sync before it says that it goes on.
const PATIENCE: Duration = Duration::from_secs(6);

/// A mapping with its state.
struct Line<'a> {
    status: &'a MappingStatus,
    condition: Condition,
}

/// The dashboard.
pub(crate) async fn show(shell: Shell) -> Answer {
    let app = &shell.web.app;
    let status = app.status().await?;
    let now = app.now();
    let mut lines = Vec::new();
    for mapping in &status.mappings {
        let newest = app.runs(Some(mapping.mapping.id.as_str()), 1, None).await?;
        let running = newest
            .runs
            .first()
            .is_some_and(|run| run.state == RunState::Running);
        let accounts = accounts_of(&status, mapping);
        let condition = Condition::of(mapping, running, accounts);
        lines.push(Line {
            status: mapping,
            condition,
        });
    }
    if status.state == State::Setup {
        return Ok(shell.show(&Page::new(
            Here::Dashboard,
            "Set up",
            set_up(&shell, &status),
        )));
    }
    let hooks = app.settings().await?.webhooks;
    let (sentence, kind) = sentence(&status, &lines);
    let main = html! {
        section.state.(kind) {
            div {
                h1 { (sentence) }
                p { (schedule(&status, now)) }
            }
            (shell.button("/ui/sync", "primary", &html! { "Sync all now" }))
        }
        (declared::wrong(&app.file()))
        (accounts(&shell, &status))
        (webhooks::notices(&shell, &hooks))
        h2.unseen { "Mappings" }
        div.cards {
            @for line in &lines { (card(&shell, &status, line, now)) }
        }
        (declared::waiting(&shell, None))
        @if !status.quota.is_empty() { (quota(&status)) }
    };
    let mut page = Page::new(Here::Dashboard, sentence, main);
    page.trouble = kind == "bad" || kind == "warn";
    Ok(shell.show(&page))
}

/// How a mapping's accounts are.
fn accounts_of(status: &Status, mapping: &MappingStatus) -> Accounts {
    let mapping = &mapping.mapping;
    let google = status
        .google
        .iter()
        .any(|account| account.id == mapping.google.account && account.status != GoogleStatus::Ok);
    let caldav = status
        .caldav
        .iter()
        .find(|account| account.id == mapping.caldav.account)
        .map_or(CaldavStatus::Ok, |account| account.status);
    match caldav {
        _ if google => Accounts::NeedYou,
        CaldavStatus::Ok => Accounts::Work,
        CaldavStatus::Unreachable => Accounts::DoNotAnswer,
        CaldavStatus::Unauthorized | CaldavStatus::NotFound => Accounts::NeedYou,
    }
}

/// The state in one sentence.
fn sentence(status: &Status, lines: &[Line<'_>]) -> (String, &'static str) {
    let accounts = status
        .caldav
        .iter()
        .filter(|account| account.status != CaldavStatus::Ok)
        .count()
        + status
            .google
            .iter()
            .filter(|account| account.status != GoogleStatus::Ok)
            .count();
    let mappings = lines
        .iter()
        .filter(|line| {
            line.condition.is_trouble() && accounts_of(status, line.status) == Accounts::Work
        })
        .count();
    let is = |wanted| lines.iter().any(|line| line.condition == wanted);
    let problems = accounts + mappings;
    if problems > 0 {
        let what = match (accounts, mappings) {
            (0, _) => format!("{} need you", counted_verb(mappings, "mapping")),
            (_, 0) => format!("{} need you", counted_verb(accounts, "account")),
            _ => format!(
                "{} and {} need you",
                counted(accounts as u64, "account"),
                counted(mappings as u64, "mapping")
            ),
        };
        let what = if problems == 1 {
            what.replace(" need you", " needs you")
        } else {
            what
        };
        let kind = if accounts > 0 || is(Condition::Failing) {
            "bad"
        } else {
            "warn"
        };
        return (
            format!("{} — {what}", counted(problems as u64, "problem")),
            kind,
        );
    }
    if is(Condition::Syncing) {
        ("Syncing".to_owned(), "busy")
    } else if lines.iter().all(|line| line.condition == Condition::Paused) {
        ("All paused".to_owned(), "idle")
    } else if is(Condition::Waiting) {
        ("Waiting for the first run".to_owned(), "busy")
    } else {
        ("All in sync".to_owned(), "good")
    }
}

fn counted_verb(count: usize, unit: &str) -> String {
    counted(count as u64, unit)
}

/// Since when, and what comes next.
fn schedule(status: &Status, now: Timestamp) -> Markup {
    let last = status
        .mappings
        .iter()
        .filter_map(|mapping| mapping.overview.last_success)
        .max();
    let minutes = status.scheduler.interval_seconds / 60;
    html! {
        @if let Some(last) = last { "Last success " (words::moment(last, now)) ". " }
        @if let Some(next) = status.scheduler.next_run.filter(|next| *next > now) {
            "Next round " (words::relative(next, now)) "; "
        }
        "every " @if minutes == 1 { "minute" } @else { (counted(minutes, "minute")) } "."
    }
}

/// Accounts that need somebody.
fn accounts(shell: &Shell, status: &Status) -> Markup {
    html! {
        @for account in status.google.iter().filter(|account| account.status != GoogleStatus::Ok) {
            @let (detail, action) = account.problem.as_ref().map_or(
                ("The sign-in has expired.", "Connect the account again; its mappings stay."),
                |problem| (problem.detail.as_str(), problem.action.as_str()),
            );
            section.notice.bad aria-label={ "Google account " (account.email) } {
                h2 { "Google sign-in of " (account.email) " has ended" }
                p { (detail) }
                p { strong { "What to do: " } (action) }
                p { a.button.primary href={ (shell.at("/oauth/start?account=")) (account.id.as_str()) } { "Reconnect" } }
            }
        }
        @for account in status.caldav.iter().filter(|account| account.status != CaldavStatus::Ok) {
            @let (detail, action) = account.problem.as_ref().map_or(
                ("The last attempt failed.", "Check the account."),
                |problem| (problem.detail.as_str(), problem.action.as_str()),
            );
            section.notice.bad aria-label={ "CalDAV account " (account.name) } {
                h2 { "CalDAV account " (account.name) " does not work" }
                p { (detail) }
                p { strong { "What to do: " } (action) }
                p { a.button.primary href={ (shell.at("/ui/caldav/")) (account.id.as_str()) } { "Edit the account" } }
            }
        }
    }
}

fn card(shell: &Shell, status: &Status, line: &Line<'_>, now: Timestamp) -> Markup {
    let mapping = &line.status.mapping;
    let overview = &line.status.overview;
    let id = mapping.id.as_str();
    let (kind, word) = line.condition.badge();
    let accounts = accounts_of(status, line.status);
    let enabled = mapping.settings.enabled;
    let waits = mapping.restored_at.is_some();
    let next = status
        .scheduler
        .next_run
        .filter(|next| enabled && *next > now);
    html! {
        article.card {
            div.title {
                h3 {
                    a.plain href={ (shell.at("/ui/mappings/")) (id) } {
                        @if let Some(name) = &mapping.settings.name { (name) } @else {
                            (joined(mapping))
                        }
                    }
                }
                (badge(kind, word))
            }
            dl.facts {
                div {
                    dt { "Last success" }
                    dd { @if let Some(at) = overview.last_success { (words::moment(at, now)) } @else { "not yet" } }
                }
                div {
                    dt { "Last run" }
                    dd {
                        @if let Some(run) = &overview.last_run {
                            a href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { (words::outcome(run)) }
                        } @else { "not yet" }
                    }
                }
                div {
                    dt { "Next run" }
                    dd { @if accounts == Accounts::NeedYou && enabled { "when the account works" } @else if waits && enabled { "when confirmed" } @else if let Some(next) = next { (words::relative(next, now)) } @else if enabled { "soon" } @else { "when resumed" } }
                }
                div {
                    dt { "Kept in step" }
                    dd { (counted(overview.tracked, "event")) }
                }
                @if line.status.waiting() > 0 {
                    div { dt { "Held back" } dd { (counted(line.status.waiting(), "change")) } }
                }
                @if overview.open_conflicts > 0 {
                    div { dt { "Conflicts" } dd { a href=(shell.at("/ui/conflicts")) { (overview.open_conflicts) " to decide" } } }
                }
                @if line.status.orphans > 0 {
                    div { dt { "Without a source" } dd { a href=(shell.at("/ui/held")) { (words::copies(line.status.orphans)) } } }
                }
            }
            @if enabled {
                (asks(shell, line.status))
                (errors(shell, line, accounts))
                (left(shell, line.status))
            }
            div.actions {
                @if enabled {
                    @if !waits {
                        (shell.button(&format!("/ui/mappings/{id}/sync"), "primary", &html! { "Sync now" }))
                    }
                    @if !mapping.managed {
                        (shell.button(&format!("/ui/mappings/{id}/pause"), "", &html! { "Pause" }))
                    }
                } @else if !mapping.managed {
                    (shell.button(&format!("/ui/mappings/{id}/resume"), "primary", &html! { "Resume" }))
                }
                a.button href={ (shell.at("/ui/mappings/")) (id) "/preview" } { "Preview" }
            }
        }
    }
}

/// What waits for a person's word.
fn asks(shell: &Shell, status: &MappingStatus) -> Markup {
    let id = status.mapping.id.as_str();
    html! {
        @if status.mapping.restored_at.is_some() {
            (trouble(
                "It comes from a backup, and the calendars have moved on since. Nothing is written before you have seen what it would do.",
                "Look at the preview and confirm it.",
                &html! { p { a.button.primary href={ (shell.at("/ui/mappings/")) (id) "/preview" } { "Preview and confirm" } } },
            ))
        }
        @if status.waiting() > 0 {
            (trouble(
                &format!("{} held back until you say so: so many at once may be an accident.", words::are(status.waiting(), "change")),
                "Look at them and decide.",
                &html! { p { a.button href=(shell.at("/ui/held")) { "Show what is held back" } } },
            ))
        }
        @if status.overview.open_conflicts > 0 {
            (trouble(
                &format!("{} changed on both sides. Until you decide, both stay as they are.", words::were(status.overview.open_conflicts, "event")),
                "Compare the versions and choose.",
                &html! { p { a.button href=(shell.at("/ui/conflicts")) { "Show the conflicts" } } },
            ))
        }
    }
}

/// What the last run says that somebody should know.
fn errors(shell: &Shell, line: &Line<'_>, accounts: Accounts) -> Markup {
    let Some(run) = &line.status.overview.last_run else {
        return html! {};
    };
    let link = html! {
        p { a href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { "See the run" } }
    };
    html! {
        @if accounts == Accounts::NeedYou {
            p.notice.warn { "Its account needs you first, see above. Nothing is lost meanwhile." }
        } @else if accounts == Accounts::DoNotAnswer {
            p.notice.warn { "The server does not answer. It is asked again by itself; nothing is lost meanwhile." }
        } @else if let Some(problem) = &run.error {
            (trouble(&problem.detail, &problem.action, &link))
        } @else if run.failed > 0 {
            (trouble(
                &format!("{} could not be written.", counted(run.failed.into(), "event")),
                "Open the run: each event says why.",
                &link,
            ))
        }
        @for warning in run.warnings.iter().take(3) {
            p.notice.warn { (warning.detail) }
        }
    }
}

/// Events that are left as they are. A run tells it once; here it is told as long as it is so.
fn left(shell: &Shell, status: &MappingStatus) -> Markup {
    html! {
        @if status.overview.left > 0 {
            p.notice.warn {
                (words::need(status.overview.left, "event")) " attention; the rest goes on. "
                a href={ (shell.at("/ui/mappings/")) (status.mapping.id.as_str()) "/attention" } { "See why" }
            }
        }
    }
}

fn quota(status: &Status) -> Markup {
    html! {
        p.detail {
            @for quota in &status.quota {
                @let email = status.google.iter().find(|account| account.id == quota.account).map(|account| account.email.as_str());
                "Google writes today" @if let Some(email) = email { " (" (email) ")" } ": "
                (quota.writes_today)
                // Without a limit there is nothing to compare with.
                @if quota.daily_limit < u64::from(u32::MAX) { " of " (quota.daily_limit) }
                ". "
            }
        }
    }
}

/// The first steps, in order, each ticked off when done.
fn set_up(shell: &Shell, status: &Status) -> Markup {
    let caldav = !status.caldav.is_empty();
    let google = !status.google.is_empty();
    let configured = shell.web.app.google_is_configured();
    let step = |done: bool, ready: bool, title: &str, text: &str, path: &str, label: &str| {
        html! {
            li.done[done] {
                div {
                    h2 { (title) @if done { " " (badge("good", "Done")) } }
                    p { (text) }
                }
                @if !done {
                    @if ready { a.button.primary href=(shell.at(path)) { (label) } }
                    @else { span.optional { "after the steps before" } }
                }
            }
        }
    };
    html! {
        (declared::wrong(&shell.web.app.file()))
        h1 { "Welcome. Three steps to calendars in step" }
        p.lead { "A CalDAV calendar and a Google calendar follow each other, one way or both." }
        ol.setup {
            (step(caldav, true, "Add a CalDAV account",
                "iCloud, Fastmail, Nextcloud, Radicale or any other server.", "/ui/caldav/new", "Add an account"))
            (step(google, true, "Connect Google",
                if configured { "Sign in with Google and let caldav-sync write to your calendars." }
                else { "Google needs an OAuth client first; the page says how to make one." },
                if configured { "/oauth/start" } else { "/ui/google" },
                if configured { "Connect Google" } else { "See how" }))
            (step(false, caldav && google, "Choose which calendar goes where",
                "Pick a calendar on each side; a preview shows what would happen.", "/ui/mappings/new", "Make a mapping"))
        }
        (accounts(shell, status))
        (declared::waiting(shell, None))
    }
}

/// Syncs everything that is on.
pub(crate) async fn sync_all(shell: Shell, _form: Form) -> Answer {
    let handles = shell.web.app.sync(SyncRequest::default()).await?;
    Ok(after(&shell.web, &handles).await)
}

/// Waits a little for runs, then back to the dashboard.
pub(super) async fn after(web: &Web, handles: &[RunHandle]) -> HttpResponse {
    let code = match ended(web, handles).await {
        Ended::Well => "synced",
        Ended::Badly => "sync-failed",
        Ended::NotYet => "syncing",
    };
    redirect(web, &format!("/ui/?done={code}"))
}

/// How runs have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All as they should.
    Well,
    /// At least one with errors.
    Badly,
    /// At least one goes on.
    NotYet,
}

/// Waits a little for runs.
pub(super) async fn ended(web: &Web, handles: &[RunHandle]) -> Ended {
    let all = async {
        for handle in handles {
            handle.ended().await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        return Ended::NotYet;
    }
    let mut code = Ended::Well;
    for handle in handles {
        let run = web.app.run_of(handle).await;
        if !run.is_ok_and(|run| run.state == RunState::Success) {
            code = Ended::Badly;
        }
    }
    code
}
