//! What the guard holds back: the list with an explanation each, and the buttons that answer it.

use actix_web::web as aw;
use app::records::Mapping;
use app::{Decided, Decision};
use maud::{Markup, html};
use sync_engine::guard::{Held, HeldKind};
use sync_engine::model::MappingId;
use sync_engine::plan::operation::ActionKind;

use super::dashboard::after;
use super::mappings::listed;
use super::shell::{Here, Page, Shell};
use super::widgets::{badge, empty};
use super::{Answer, redirect, words};
use crate::api::held::operations;
use crate::input::Form;

/// Everything that is held: what waits first, offers last.
pub(crate) async fn list(shell: Shell) -> Answer {
    let held = shell.web.app.held().await?;
    let mappings = shell.web.app.mappings().await?;
    let (offers, waits): (Vec<_>, Vec<_>) = held
        .iter()
        .partition(|(_, held)| held.kind == HeldKind::Orphans);
    let main = html! {
        h1 { "Held back" }
        @if held.is_empty() {
            (empty("Nothing is held back", "Every change is on its way.", &shell.at("/ui/"), "To the dashboard"))
        }
        @if !waits.is_empty() {
            p.lead { "So many changes at once may be an accident. They wait for your word; everything else goes on." }
            @for (mapping, held) in waits { (one(&shell, &mappings, mapping, held)) }
        }
        @if !offers.is_empty() {
            h2 { "Copies without a source" }
            p.lead { "Nothing hurries here: they stay as they are until you say otherwise." }
            @for (mapping, held) in offers { (one(&shell, &mappings, mapping, held)) }
        }
    };
    Ok(shell.show(&Page::new(Here::Held, "Held back", main)))
}

/// One plan. Offers stand under a heading of their own.
fn one(shell: &Shell, mappings: &[Mapping], id: &MappingId, held: &Held) -> Markup {
    let mapping = mappings.iter().find(|known| known.id == *id);
    let name = mapping.map_or_else(|| "a mapping".to_owned(), words::mapping_name);
    let enabled = mapping.is_some_and(|mapping| mapping.settings.enabled);
    let restorable = mapping.is_some_and(|mapping| app::may_restore(mapping, held));
    let source = words::side(held.side.other());
    let path = |answer: &str| format!("/ui/held/{}/{answer}", held.id);
    let heading = format!("held-{}", held.id);
    html! {
        article.card aria-labelledby=(heading) {
            div.title {
                @if held.kind == HeldKind::Orphans {
                    h3 id=(heading) { (name) }
                    (badge("idle", "When you like"))
                } @else {
                    h2 id=(heading) { (name) }
                    (badge("warn", "Waiting for you"))
                }
            }
            p { (explanation(held)) }
            p.detail { "Held since " (words::moment(held.since, shell.web.app.now())) "." }
            (listed(&operations(held)))
            @if !enabled {
                p.notice.warn { "The mapping is paused. Resume it to decide." }
                div.actions { (shell.button(&format!("/ui/mappings/{id}/resume"), "primary", &html! { "Resume" })) }
            } @else {
                div.actions {
                    @match held.kind {
                        HeldKind::Deletions => {
                            @if restorable {
                                (shell.button(&path("restore"), "primary", &html! { "Put them back on " (source) }))
                            }
                            (shell.button(&path("approve"), "danger", &html! { (approval(held)) }))
                            (shell.button(&path("pause"), "", &html! { "Pause the mapping" }))
                        }
                        HeldKind::Change => {
                            (shell.button(&path("approve"), "primary", &html! { (approval(held)) }))
                            (shell.button(&path("pause"), "", &html! { "Pause the mapping" }))
                        }
                        HeldKind::Orphans => {
                            (shell.button(&path("approve"), "danger", &html! { (approval(held)) }))
                        }
                    }
                }
            }
            @if held.kind == HeldKind::Deletions && !restorable {
                p.detail {
                    "This mapping never writes to " (source) ". If they vanished there by accident, bring "
                    "them back there: this then lapses by itself."
                }
            }
        }
    }
}

/// What is held, and why.
fn explanation(held: &Held) -> String {
    let (here, source) = (words::side(held.side), words::side(held.side.other()));
    let count = |wanted: &dyn Fn(ActionKind) -> bool| {
        let those = held.operations.iter().filter(|it| wanted(it.action));
        those.count() as u64
    };
    let removed = count(&|action| action == ActionKind::Delete);
    let emptied = count(&|action| action != ActionKind::Delete);
    let all = words::counted(removed + emptied, "change");
    match held.kind {
        HeldKind::Deletions => {
            let removed = (removed > 0).then(|| {
                format!(
                    "{} would be removed on the {here} side, because they are gone from {source}.",
                    words::counted(removed, "event")
                )
            });
            let emptied = (emptied > 0).then(|| {
                format!(
                    "{} would lose a title, a description or a place on the {here} side, because it \
                     is empty in {source} now.",
                    words::counted(emptied, "event")
                )
            });
            let parts: Vec<String> = removed.into_iter().chain(emptied).collect();
            parts.join(" ")
        }
        HeldKind::Change => format!(
            "{all} would be written to {here}, where this mapping did not write before its direction \
             was changed. Look whether this is what you meant."
        ),
        HeldKind::Orphans => format!(
            "{} on the {here} side came from caldav-sync, but what they were copied from is not \
             there (any more). They are never copied back. You may have them removed.",
            words::copies(removed + emptied)
        ),
    }
}

fn approval(held: &Held) -> &'static str {
    let removes = held
        .operations
        .iter()
        .all(|operation| operation.action == ActionKind::Delete);
    match held.kind {
        HeldKind::Change => "Write exactly these",
        _ if removes => "Remove exactly these",
        _ => "Do exactly this",
    }
}

/// Does exactly what was shown.
pub(crate) async fn approve(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    decide(&shell, &id, Decision::Approve).await
}

/// Puts it back where it vanished.
pub(crate) async fn restore(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    decide(&shell, &id, Decision::Restore).await
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
