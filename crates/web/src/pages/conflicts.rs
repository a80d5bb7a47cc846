//! Conflicts: what both sides changed, version beside version, and the buttons that decide. Those
//! that wait come first; decided ones stand below with who won and why.

mod compare;

use std::collections::BTreeMap;

use actix_web::web as aw;
use app::UserError;
use app::records::{ConflictPage, ConflictRecord, ConflictStatus, Mapping};
use maud::{Markup, html};
use sync_engine::conflict::{Keep, Version, Winner};
use sync_engine::model::{Field, Side};

use super::dashboard::{Ended, ended};
use super::shell::{Here, Page, Shell};
use super::widgets::{badge, empty};
use super::{Answer, redirect, words};
use crate::input::{Form, Query};
use compare::{Compared, ORDER, choice};

/// Open conflicts shown at once; more come when these are decided.
const OPEN: u32 = 50;
/// Decided conflicts on a page.
const DECIDED: u32 = 20;

/// The page.
pub(crate) async fn list(shell: Shell, query: Query) -> Answer {
    let app = &shell.web.app;
    let before = query.get("before");
    let open = match before {
        // Leafing through the decided ones.
        Some(_) => ConflictPage {
            conflicts: Vec::new(),
            next: None,
        },
        None => {
            app.conflicts(None, Some(ConflictStatus::Open), OPEN, None)
                .await?
        }
    };
    let decided = app
        .conflicts(None, Some(ConflictStatus::Decided), DECIDED, before)
        .await?;
    let mappings = app.mappings().await?;
    let none = open.conflicts.is_empty() && decided.conflicts.is_empty() && before.is_none();
    let main = html! {
        h1 { "Conflicts" }
        @if none {
            (empty(
                "No conflicts",
                "When both sides change the same event, both versions appear here, with who won and why.",
                &shell.at("/ui/"),
                "To the dashboard",
            ))
        } @else {
            @if before.is_none() { (waiting(&shell, &mappings, &open)) }
            @if !decided.conflicts.is_empty() {
                h2 { "Decided" }
                ul.events.conflicts {
                    @for record in &decided.conflicts { li { (past(&shell, &mappings, record)) } }
                }
            }
            nav.pages aria-label="Pages" {
                @if before.is_some() { a.button href=(shell.at("/ui/conflicts")) { "Newest" } }
                @if let Some(next) = &decided.next {
                    a.button href={ (shell.at("/ui/conflicts?before=")) (next) } rel="next" { "Older" }
                }
            }
        }
    };
    let title = match open.conflicts.len() {
        0 => "Conflicts".to_owned(),
        count => format!("{} to decide", words::counted(count as u64, "conflict")),
    };
    let mut page = Page::new(Here::Conflicts, title, main);
    page.trouble = !open.conflicts.is_empty();
    Ok(shell.show(&page))
}

fn waiting(shell: &Shell, mappings: &[Mapping], open: &ConflictPage) -> Markup {
    html! {
        @if open.conflicts.is_empty() {
            p.notice.good { "Nothing waits for you." }
        } @else {
            p.lead {
                "These events were changed on both sides. Until you choose, both stay as they are; "
                "everything else goes on."
            }
            @for (place, record) in open.conflicts.iter().enumerate() {
                (one(shell, mappings, place, record))
            }
            @if open.next.is_some() { p.detail { "More appear when these are decided." } }
        }
    }
}

/// One that waits for a person.
fn one(shell: &Shell, mappings: &[Mapping], place: usize, record: &ConflictRecord) -> Markup {
    let conflict = &record.conflict;
    let compared = Compared::of(conflict);
    let enabled = mapping(mappings, record).is_some_and(|mapping| mapping.settings.enabled);
    let heading = format!("conflict-{place}");
    let fields = html! {
        (compared.table(Some(place)))
        @if enabled {
            div.actions {
                (keep("caldav", &whole(&conflict.caldav, Side::Caldav)))
                (keep("google", &whole(&conflict.google, Side::Google)))
                @if compared.by_field() {
                    (keep("merged", "Merge"))
                    (keep("fields", "Keep the fields chosen above"))
                }
            }
            @if compared.by_field() {
                p.detail {
                    "“Merge” keeps what only one side changed; of what both changed, the later version. "
                    "Fields that you leave unchosen go the same way."
                }
            }
        }
    };
    html! {
        article.card.conflict aria-labelledby=(heading) {
            div.title {
                h2 id=(heading) { (compared.title()) }
                @if record.decision.is_some() { (badge("busy", "Being carried out")) } @else { (badge("warn", "Waiting for you")) }
            }
            p.detail { (about(shell, mappings, record)) }
            p { (conflict.reason) }
            @if let Some(keep) = &record.decision {
                p.notice { "You chose: " (chosen(keep)) ". The next run carries it out; until then you may choose anew." }
            }
            @if enabled {
                (shell.form(&format!("/ui/conflicts/{}", conflict.id), "stack", &fields))
            } @else {
                (fields)
                p.notice.warn { "The mapping is paused. Resume it to decide." }
            }
        }
    }
}

fn keep(value: &str, label: &str) -> Markup {
    html! { button type="submit" name="keep" value=(value) { (label) } }
}

/// What taking a side's version means.
fn whole(version: &Version, side: Side) -> String {
    let side = words::side(side);
    match version {
        Version::Fields(_) => format!("Keep {side}"),
        Version::Inherits => format!("Follow the series, as in {side}"),
        Version::Cancelled => format!("Call it off, as in {side}"),
        Version::Absent => format!("Delete it, as in {side}"),
    }
}

fn chosen(keep: &Keep) -> &'static str {
    match keep {
        Keep::Caldav => "CalDAV’s version",
        Keep::Google => "Google’s version",
        Keep::Merged => "a merge of both",
        Keep::Fields(_) => "field by field",
    }
}

/// Where and when.
fn about(shell: &Shell, mappings: &[Mapping], record: &ConflictRecord) -> Markup {
    let conflict = &record.conflict;
    let now = shell.web.app.now();
    html! {
        (mapping(mappings, record).map_or_else(|| "a deleted mapping".to_owned(), words::mapping_name))
        @if let Some(occurrence) = &conflict.recurrence_id { " · the occurrence of " (words::start(occurrence)) }
        " · noticed " (words::moment(record.detected_at, now))
    }
}

fn mapping<'a>(mappings: &'a [Mapping], record: &ConflictRecord) -> Option<&'a Mapping> {
    mappings.iter().find(|mapping| mapping.id == record.mapping)
}

/// One that is decided: who won and why; the versions when asked.
fn past(shell: &Shell, mappings: &[Mapping], record: &ConflictRecord) -> Markup {
    let compared = Compared::of(&record.conflict);
    let who = match record.conflict.winner {
        Some(Winner::Caldav) => "CalDAV won",
        Some(Winner::Google) => "Google won",
        Some(Winner::Merged) => "Merged",
        None => "Lapsed",
    };
    html! {
        div.title {
            span.what { strong { (compared.title()) } }
            (badge(if record.conflict.winner.is_some() { "good" } else { "idle" }, who))
        }
        p.detail { (about(shell, mappings, record)) }
        p {
            (record.conflict.reason)
            @if record.conflict.winner.is_none() { " It lapsed: a side was changed again, or both agreed by themselves." }
        }
        details { summary { "Compare the versions" } (compared.table(None)) }
    }
}

/// Decides, and waits a little for the run.
pub(crate) async fn decide(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let keep = match form.text("keep") {
        "caldav" => Keep::Caldav,
        "google" => Keep::Google,
        "merged" => Keep::Merged,
        "fields" => Keep::Fields(chosen_fields(&form)),
        _ => return Err(UserError::invalid("keep", "Choose one of the buttons.").into()),
    };
    let run = shell.web.app.decide_conflict(&id, keep).await?;
    let code = match ended(&shell.web, &[run]).await {
        Ended::Well => "decided",
        Ended::Badly => "decided-failed",
        Ended::NotYet => "deciding",
    };
    Ok(redirect(&shell.web, &format!("/ui/conflicts?done={code}")))
}

fn chosen_fields(form: &Form) -> BTreeMap<Field, Side> {
    let side = |field| match form.text(&choice(field)) {
        "caldav" => Some((field, Side::Caldav)),
        "google" => Some((field, Side::Google)),
        _ => None,
    };
    ORDER.into_iter().filter_map(side).collect()
}
