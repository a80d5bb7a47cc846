//! Removing copies that are outside the window or have no source: first what it would remove, then,
//! if somebody says so, exactly that.

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::records::Mapping;
use app::{CleanUp, UserError};
use maud::{Markup, html};

use super::preview::shown;
use crate::failure::Failure;
use crate::input::{Form, Query};
use crate::pages::dashboard::{Ended, ended};
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::{joined, trouble};
use crate::pages::{Answer, redirect, words};

/// The clean-ups: as the API spells them, and what people read.
const KINDS: [(CleanUp, &str, &str, &str); 2] = [
    (
        CleanUp::OutsideWindow,
        "outside_window",
        "Copies outside the window",
        "Copies whose events no longer touch the days this mapping looks at: past ones, or those left \
         over when the window was made smaller. Their sources stay.",
    ),
    (
        CleanUp::Orphans,
        "orphans",
        "Copies without a source",
        "Copies that caldav-sync made earlier and whose event on the other side is gone, for instance \
         after the database was lost.",
    ),
];

fn kind(word: &str) -> Option<(CleanUp, &'static str)> {
    let found = KINDS.iter().find(|(_, known, _, _)| *known == word)?;
    Some((found.0, found.2))
}

/// Offers the clean-ups, or shows what one would remove.
pub(crate) async fn ask_clean_up(shell: Shell, id: aw::Path<String>, query: Query) -> Answer {
    let mapping = shell.web.app.mapping(&id).await?;
    match query.get("what").and_then(|word| Some((word, kind(word)?))) {
        Some((word, (what, title))) => preview(&shell, &mapping, word, what, title).await,
        None => Ok(shell.show(&offer(&shell, &mapping))),
    }
}

fn offer(shell: &Shell, mapping: &Mapping) -> Page {
    let path = shell.at(&format!("/ui/mappings/{}/cleanup", mapping.id));
    let main = html! {
        (crumb(shell, mapping))
        h1 { "Clean up" }
        p.lead.pair { (joined(mapping)) }
        p.lead { "Nothing is removed before you have seen the list. Only copies that caldav-sync made are looked at." }
        div.cards {
            @for (_, word, title, text) in KINDS {
                article.card {
                    h2 { (title) }
                    p { (text) }
                    div.actions { a.button href={ (path) "?what=" (word) } { "Show them" } }
                }
            }
        }
    };
    Page::new(Here::Mappings, "Clean up", main)
}

fn crumb(shell: &Shell, mapping: &Mapping) -> Markup {
    html! {
        p.crumb { a href={ (shell.at("/ui/mappings/")) (mapping.id) } { (words::mapping_name(mapping)) } }
    }
}

async fn preview(
    shell: &Shell,
    mapping: &Mapping,
    word: &str,
    what: CleanUp,
    title: &str,
) -> Answer {
    let id = mapping.id.as_str();
    let plan = shell.web.app.preview_clean_up(id, what).await;
    let plan = plan.map_err(Failure::from);
    let main = html! {
        (crumb(shell, mapping))
        h1 { (title) }
        p.lead.pair { (joined(mapping)) }
        @match &plan {
            Ok(plan) => {
                (shown(plan, "There are none: nothing is to be cleaned up.", "Nothing has been removed yet. These copies would go; nothing else is touched."))
                div.actions {
                    @if !plan.operations.is_empty() {
                        (shell.form(&format!("/ui/mappings/{id}/cleanup"), "inline", &html! {
                            input type="hidden" name="what" value=(word);
                            input type="hidden" name="plan_id" value=(plan.plan_id);
                            button.danger type="submit" { "Remove " (words::copies(plan.operations.len() as u64)) }
                        }))
                    }
                    a.button href={ (shell.at("/ui/mappings/")) (id) } { "Back to the mapping" }
                }
            }
            Err(failure) => { (trouble(&failure.error.detail, &failure.error.action, &html! {})) }
        }
    };
    let mut page = Page::new(Here::Mappings, title, main);
    page.status = plan
        .as_ref()
        .err()
        .map_or(StatusCode::OK, |failure| failure.status);
    page.trouble = plan.is_err();
    Ok(shell.show(&page))
}

/// Removes exactly what was shown.
pub(crate) async fn clean_up(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let Some((what, _)) = kind(form.text("what")) else {
        return Err(UserError::invalid("what", "Choose one of the two.").into());
    };
    let Some(plan) = form.filled("plan_id") else {
        return Err(UserError::invalid("plan_id", "Look at the list first.").into());
    };
    let run = shell.web.app.clean_up(&id, what, Some(&plan)).await?;
    let code = match ended(&shell.web, std::slice::from_ref(&run)).await {
        Ended::Well => "cleaned",
        Ended::Badly => "not-all",
        Ended::NotYet => "working",
    };
    Ok(redirect(
        &shell.web,
        &format!("/ui/runs/{}?done={code}", run.id),
    ))
}
