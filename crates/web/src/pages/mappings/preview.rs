//! What the next run of a mapping would do.

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::{PreviewPlan, Previewed};
use maud::{Markup, html};

use crate::api::plan::Counts;
use crate::failure::Failure;
use crate::pages::runs::detailed;
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::{joined, trouble};
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
        p.lead.pair { (joined(&mapping)) }
        @if mapping.restored_at.is_some() {
            p.notice.warn {
                "This mapping comes from a backup, and the calendars have moved on since. It does nothing \
                 until you have seen what it would do and confirmed it here."
            }
        }
        @match &plan {
            Ok(plan) => { (shown(plan, "Nothing to do: both sides are in step.", "Nothing has been written. These are the changes that a run would make now.")) }
            Err(failure) => { (trouble(&failure.error.detail, &failure.error.action, &html! {})) }
        }
        div.actions {
            @if let (true, Ok(plan)) = (mapping.settings.enabled, &plan) {
                @if mapping.restored_at.is_some() || !plan.operations.is_empty() {
                    (shell.form(&format!("/ui/mappings/{}/sync", *id), "inline", &html! {
                        input type="hidden" name="plan_id" value=(plan.plan_id);
                        button.primary type="submit" {
                            @if mapping.restored_at.is_none() { "Do exactly this" }
                            @else if plan.operations.is_empty() { "Confirm, and run from now on" }
                            @else { "Confirm: do exactly this, and run from now on" }
                        }
                    }))
                }
            } @else if mapping.settings.enabled && mapping.restored_at.is_some() {
                a.button.primary href={ (shell.at("/ui/mappings/")) (*id) "/preview" } { "Look again" }
            } @else if mapping.settings.enabled {
                (shell.button(&format!("/ui/mappings/{}/sync", *id), "primary", &html! { "Try a sync" }))
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

/// A plan: counts, operations, what the guard would hold, conflicts and warnings. `nothing` is said
/// when there is nothing to do, else `lead`.
pub(crate) fn shown(plan: &PreviewPlan, nothing: &str, lead: &str) -> Markup {
    let counts = Counts::of(plan);
    html! {
        @if plan.operations.is_empty() && plan.held.is_empty() && counts.conflict == 0 {
            p.notice.good { (nothing) }
        } @else {
            p { (lead) }
            dl.counts {
                div { dt { "Add" } dd { (counts.insert) } }
                div { dt { "Change" } dd { (counts.update) } }
                div { dt { "Remove" } dd { (counts.delete) } }
                @if counts.conflict > 0 { div { dt { "Conflicts" } dd { (counts.conflict) } } }
            }
            @if !plan.operations.is_empty() { (listed(&plan.operations)) }
        }
        @if !plan.held.is_empty() {
            h2 { "Held back" }
            p { "A run does not do these: it asks you first." }
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
