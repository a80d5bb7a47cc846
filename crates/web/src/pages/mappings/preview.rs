//! What the next run of a mapping would do.

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::{PreviewPlan, Previewed};
use maud::{Markup, html};

use crate::api::plan::Counts;
use crate::failure::Failure;
use crate::pages::runs::detailed;
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::{calendar, trouble};
use crate::pages::{Answer, words};

/// Operations shown; the API has them all.
const SHOWN: usize = 500;

/// Reads both sides, writes nothing.
pub(crate) async fn preview(shell: Shell, id: aw::Path<String>) -> Answer {
    let mapping = shell.web.app.mapping(&id).await?;
    let plan = shell.web.app.preview(&id).await.map_err(Failure::from);
    let status = plan
        .as_ref()
        .err()
        .map_or(StatusCode::OK, |failure| failure.status);
    let main = html! {
        p.crumb { a href=(shell.at("/ui/mappings")) { "Mappings" } }
        h1 { "What the next run would do" }
        p.lead.pair { (calendar(&mapping.caldav)) span.arrow { " → " } (calendar(&mapping.google)) }
        @match &plan {
            Ok(plan) => { (shown(plan)) }
            Err(failure) => { (trouble(&failure.error.detail, &failure.error.action, &html! {})) }
        }
        div.actions {
            @if mapping.settings.enabled {
                (shell.button(&format!("/ui/mappings/{}/sync", *id), "primary", &html! { "Sync now" }))
            } @else {
                (shell.button(&format!("/ui/mappings/{}/resume", *id), "primary", &html! { "Resume" }))
            }
            a.button href={ (shell.at("/ui/mappings/")) (*id) } { "Edit the mapping" }
        }
    };
    let mut page = Page::new(Here::Mappings, "Preview", main);
    page.status = status;
    page.trouble = plan.is_err();
    Ok(shell.show(&page))
}

fn shown(plan: &PreviewPlan) -> Markup {
    let counts = Counts::of(&plan.operations);
    html! {
        @if plan.operations.is_empty() && plan.held.is_empty() {
            p.notice.good { "Nothing to do: both sides are in step." }
        } @else {
            p { "Nothing has been written. These are the changes that a run would make now." }
            dl.counts {
                div { dt { "Add" } dd { (counts.insert) } }
                div { dt { "Change" } dd { (counts.update) } }
                div { dt { "Remove" } dd { (counts.delete) } }
            }
            (listed(&plan.operations))
        }
        @if !plan.held.is_empty() {
            h2 { "Held back" }
            p { "So many removals at once look like an accident. A run does not make them." }
            (listed(&plan.held))
        }
        @if !plan.warnings.is_empty() {
            h2 { "Warnings" }
            ul.warnings { @for warning in &plan.warnings { li { (warning.detail) } } }
        }
    }
}

/// Operations as people read them.
pub(crate) fn listed(operations: &[Previewed]) -> Markup {
    html! {
        ul.events {
            @for operation in operations.iter().take(SHOWN) {
                @let account = &operation.account;
                li {
                    p.what {
                        span.verb { (words::action(account.action)) } " "
                        strong { @if account.summary.is_empty() { "(no title)" } @else { (account.summary) } }
                        @if let Some(start) = &account.start { " · " (words::start(start)) }
                    }
                    p.detail { "on " (words::side(operation.side)) ", " (words::reason(account.reason)) }
                    (detailed(account.action, &account.changes))
                }
            }
        }
        @if operations.len() > SHOWN {
            p.detail { "The first " (SHOWN) " of " (operations.len()) ". The API has them all." }
        }
    }
}
