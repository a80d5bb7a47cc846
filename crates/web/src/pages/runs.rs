//! Runs: a list to filter and leaf through, and one run with everything it did.

mod undo;

use actix_web::web as aw;
use app::records::{Mapping, Run, RunState};
use maud::{Markup, html};
use sync_engine::plan::operation::{ActionKind, FieldChange};
use sync_engine::report::EventRecord;
use url::form_urlencoded;

use super::shell::{Here, Page, Shell};
use super::widgets::{badge, empty, run_badge, trouble};
use super::{Answer, words};
use crate::input::Query;
pub(crate) use undo::{ask_undo, undo};

/// Runs on a page.
const PER_PAGE: u32 = 30;
/// Events shown of one run; the API has them all.
const EVENTS: usize = 500;

/// The list.
pub(crate) async fn list(shell: Shell, query: Query) -> Answer {
    let app = &shell.web.app;
    let chosen = query.get("mapping");
    let before = query.get("before");
    let mappings = app.mappings().await?;
    let page = app.runs(chosen, PER_PAGE, before).await?;
    let now = app.now();
    let days = app.settings().await?.history_days;
    let older = page.next.as_ref().map(|next| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        if let Some(chosen) = chosen {
            pairs.append_pair("mapping", chosen);
        }
        pairs.append_pair("before", next.as_str());
        format!("{}?{}", shell.at("/ui/runs"), pairs.finish())
    });
    let main = html! {
        div.head {
            h1 { "Runs" }
            @if mappings.len() > 1 { (filter(&shell, &mappings, chosen)) }
        }
        @if page.runs.is_empty() {
            @if mappings.is_empty() {
                (empty("No runs yet", "Runs appear here once a mapping is made.", &shell.at("/ui/mappings/new"), "Make a mapping"))
            } @else {
                (empty("No runs here", "There are no runs to show.", &shell.at("/ui/runs"), "Show all runs"))
            }
        } @else {
            div.table {
                table {
                    thead {
                        tr {
                            th scope="col" { "Began" }
                            th scope="col" { "Mapping" }
                            th scope="col" { "Status" }
                            th scope="col" { "What it did" }
                        }
                    }
                    tbody {
                        @for run in &page.runs {
                            tr {
                                td data-label="Began" {
                                    a href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { (words::moment(run.started_at, now)) }
                                }
                                td data-label="Mapping" { (name(&mappings, run)) }
                                td data-label="Status" { (run_badge(run)) }
                                td data-label="What it did" { (words::outcome(run)) }
                            }
                        }
                    }
                }
            }
            nav.pages aria-label="Pages" {
                @if before.is_some() {
                    a.button href={ (shell.at("/ui/runs")) @if let Some(chosen) = chosen { "?mapping=" (chosen) } } { "Newest" }
                }
                @if let Some(older) = older { a.button href=(older) rel="next" { "Older" } }
            }
            p.detail {
                "Runs are kept for " (words::counted(days, "day")) ". "
                a href=(shell.at("/ui/settings")) { "Change that" }
            }
        }
    };
    Ok(shell.show(&Page::new(Here::Runs, "Runs", main)))
}

fn filter(shell: &Shell, mappings: &[Mapping], chosen: Option<&str>) -> Markup {
    html! {
        form.filter method="get" action=(shell.at("/ui/runs")) {
            label for="mapping" { "Mapping" }
            select #mapping name="mapping" {
                option value="" { "All" }
                @for mapping in mappings {
                    option value=(mapping.id.as_str()) selected[chosen == Some(mapping.id.as_str())] {
                        (words::mapping_name(mapping))
                    }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn name(mappings: &[Mapping], run: &Run) -> String {
    mappings
        .iter()
        .find(|mapping| mapping.id == run.mapping)
        .map_or_else(|| "a deleted mapping".to_owned(), words::mapping_name)
}

/// One run.
pub(crate) async fn show(shell: Shell, id: aw::Path<String>) -> Answer {
    let app = &shell.web.app;
    let run = app.run(&id).await?;
    let mappings = app.mappings().await?;
    let now = app.now();
    let undoable = run.state != RunState::Running && app.undoable_writes(&id).await? > 0;
    let counts = [
        ("Added", run.inserted),
        ("Changed", run.updated),
        ("Removed", run.deleted),
        ("Failed", run.failed),
        ("Left for later", run.deferred),
        ("Held back", run.held),
        ("Conflicts", run.conflicts),
    ];
    let heading = match run.state {
        RunState::Running => "A run under way",
        RunState::Success => "A run that succeeded",
        RunState::PartialFailure => "A run that partly failed",
        RunState::Failure => "A run that failed",
    };
    let main = html! {
        p.crumb { a href=(shell.at("/ui/runs")) { "Runs" } }
        div.head { h1 { (heading) } (run_badge(&run)) }
        p.lead {
            strong { (name(&mappings, &run)) } ", began " (words::moment(run.started_at, now))
            @if let Some(finished) = run.finished_at { " and took " (took(&run, finished)) } "."
        }
        @if run.state == RunState::Running {
            p { a.button href={ (shell.at("/ui/runs/")) (run.id.as_str()) } { "Reload" } }
        }
        @if let Some(problem) = &run.error { (trouble(&problem.detail, &problem.action, &html! {})) }
        dl.counts {
            @for (label, count) in counts {
                @if count > 0 || matches!(label, "Added" | "Changed" | "Removed" | "Failed") {
                    div.loud[label == "Failed" && count > 0] { dt { (label) } dd { (count) } }
                }
            }
        }
        @if !run.warnings.is_empty() {
            h2 { "Warnings" }
            ul.warnings {
                @for warning in &run.warnings {
                    li { (warning.detail) @if let Some(uid) = &warning.uid { " " span.optional { (uid.as_str()) } } }
                }
            }
        }
        h2 { "Events" }
        @if run.events.is_empty() {
            p.detail { "This run touched no event." }
        } @else {
            (events(&run))
        }
        @if run.conflicts > 0 { p { a href=(shell.at("/ui/conflicts")) { "Show the conflicts" } } }
        @if undoable {
            div.actions { a.button.danger href={ (shell.at("/ui/runs/")) (run.id.as_str()) "/undo" } { "Take this run back…" } }
        }
    };
    let mut page = Page::new(Here::Runs, heading, main);
    page.trouble = matches!(run.state, RunState::Failure | RunState::PartialFailure);
    Ok(shell.show(&page))
}

fn took(run: &Run, finished: sync_engine::model::time::Timestamp) -> String {
    let spent = finished.duration_since(run.started_at);
    match spent.as_secs() {
        0 => format!("{} ms", spent.as_millis().max(0)),
        seconds @ 1..=119 => words::counted(seconds.unsigned_abs(), "second"),
        seconds => words::counted(seconds.unsigned_abs() / 60, "minute"),
    }
}

fn events(run: &Run) -> Markup {
    html! {
        ul.events {
            @for event in run.events.iter().take(EVENTS) { (one(event)) }
        }
        @if run.events.len() > EVENTS {
            p.detail { "The first " (EVENTS) " of " (run.events.len()) " events. The API has them all." }
        }
    }
}

fn one(event: &EventRecord) -> Markup {
    let title = if event.summary.is_empty() {
        "(no title)"
    } else {
        &event.summary
    };
    html! {
        li.failed[event.error.is_some()] {
            div.title {
                span.what {
                    span.verb { (words::action(event.action)) }
                    " " strong { (title) }
                    @if let Some(occurrence) = &event.recurrence_id { " on " (words::start(occurrence)) }
                }
                @if event.error.is_some() { (badge("bad", "Failed")) }
            }
            p.detail { "on " (words::side(event.side)) ", " (words::reason(event.reason)) " · " (event.uid.as_str()) }
            @if let Some(problem) = &event.error {
                p.fault { (problem.detail) @if !problem.action.is_empty() { " " (problem.action) } }
            }
            (detailed(event.action, &event.changes))
        }
    }
}

/// A change says at once what changed; a new event shows its fields when asked.
pub(super) fn detailed(action: ActionKind, fields: &[FieldChange]) -> Markup {
    html! {
        @if fields.is_empty() {
        } @else if action == ActionKind::Update {
            (changes(fields))
        } @else {
            details { summary { "Details" } (changes(fields)) }
        }
    }
}

/// Field by field, from and to.
fn changes(changes: &[FieldChange]) -> Markup {
    html! {
        dl.changes {
            @for change in changes {
                div {
                    dt { (words::field(change.field)) }
                    dd {
                        @if !change.from.is_empty() { del { (change.from) } " " }
                        @if change.to.is_empty() { span.optional { "(removed)" } } @else { ins { (change.to) } }
                    }
                }
            }
        }
    }
}
