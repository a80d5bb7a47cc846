//! What the guard holds back: the list, and the buttons that answer it.

use actix_web::web as aw;
use app::records::Mapping;
use app::{Decided, Decision};
use maud::{Markup, html};
use sync_engine::guard::Held;
use sync_engine::model::MappingId;

use super::dashboard::after;
use super::mappings::listed;
use super::shell::{Here, Page, Shell};
use super::widgets::empty;
use super::{Answer, redirect, words};
use crate::api::held::operations;
use crate::input::Form;

/// Everything that is held.
pub(crate) async fn list(shell: Shell) -> Answer {
    let held = shell.web.app.held().await?;
    let mappings = shell.web.app.mappings().await?;
    let main = html! {
        h1 { "Held back" }
        @if held.is_empty() {
            (empty("Nothing is held back", "Every change is on its way.", &shell.at("/ui/"), "To the dashboard"))
        } @else {
            p.lead { "So many removals at once look like an accident. They wait for you; everything else goes on." }
            @for (mapping, held) in &held { (one(&shell, &mappings, mapping, held)) }
        }
    };
    Ok(shell.show(&Page::new(Here::Dashboard, "Held back", main)))
}

fn one(shell: &Shell, mappings: &[Mapping], mapping: &MappingId, held: &Held) -> Markup {
    let name = mappings
        .iter()
        .find(|known| known.id == *mapping)
        .map_or_else(|| "a mapping".to_owned(), words::mapping_name);
    let operations = operations(held);
    let path = |answer: &str| format!("/ui/held/{}/{answer}", held.id);
    html! {
        section.card {
            h2 { (name) }
            p {
                (words::counted(operations.len() as u64, "event")) " would be removed on the "
                (words::side(held.side)) " side, because they are gone from the source. "
                "Events that were not copied by this program are never touched."
            }
            (listed(&operations))
            div.actions {
                (shell.button(&path("approve"), "danger", &html! { "Remove exactly these" }))
                (shell.button(&path("pause"), "", &html! { "Pause the mapping" }))
            }
            p.detail { "If they vanished by accident, bring them back on the source: this then lapses by itself." }
        }
    }
}

/// Does exactly what was shown.
pub(crate) async fn approve(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    decide(&shell, &id, Decision::Approve).await
}

/// Switches the mapping off.
pub(crate) async fn pause(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    decide(&shell, &id, Decision::Pause).await
}

async fn decide(shell: &Shell, id: &str, decision: Decision) -> Answer {
    Ok(match shell.web.app.decide_held(id, decision).await? {
        Decided::Run(run) => after(&shell.web, &[run]).await,
        Decided::Paused(_) => redirect(&shell.web, "/ui/?done=paused"),
    })
}
