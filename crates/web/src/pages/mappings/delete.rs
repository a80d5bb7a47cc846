//! Deleting a mapping: keep the copies, or remove them; with counts and side.

use actix_web::web as aw;
use app::Mirrored;
use maud::html;

use crate::api::mappings::{Removal, remove};
use crate::input::Form;
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::calendar;
use crate::pages::words::{self, counted};
use crate::pages::{Answer, redirect};

/// Asks, and says what each answer touches.
pub(crate) async fn ask_delete(shell: Shell, id: aw::Path<String>) -> Answer {
    let mapping = shell.web.app.mapping(&id).await?;
    let status = shell.web.app.status().await?;
    let tracked = status
        .mappings
        .iter()
        .find(|status| status.mapping.id == mapping.id)
        .map_or(0, |status| status.overview.tracked);
    let events = counted(tracked, "event");
    let title = format!("Delete the mapping {}?", words::mapping_name(&mapping));
    let google = &mapping.google.facts.name;
    let choices = html! {
        fieldset {
            legend { "The copies in Google calendar “" (google) "”" }
            div.tick {
                input #keep type="radio" name="mirrored" value="keep" checked aria-describedby="keep-hint";
                div {
                    label for="keep" { "Keep the copies" }
                    p.hint #keep-hint { (events) " stay in Google “" (google) "” and no longer follow." }
                }
            }
            div.tick {
                input #remove type="radio" name="mirrored" value="remove" aria-describedby="remove-hint";
                div {
                    label for="remove" { "Remove the copies" }
                    p.hint #remove-hint { (events) " that caldav-sync made are removed from Google “" (google) "”." }
                }
            }
        }
        p { "Nothing changes on the CalDAV side, and events you made in Google yourself are not touched." }
        div.actions {
            button.danger type="submit" { "Delete the mapping" }
            a.button href=(shell.at("/ui/mappings")) { "Keep it" }
        }
    };
    let main = html! {
        div.narrow {
            h1 { "Delete this mapping?" }
            p.lead.pair { (calendar(&mapping.caldav)) span.arrow { " → " } (calendar(&mapping.google)) }
            section.card { (shell.form(&format!("/ui/mappings/{}/delete", *id), "stack", &choices)) }
        }
    };
    Ok(shell.show(&Page::new(Here::Mappings, title, main)))
}

/// Deletes it.
pub(crate) async fn delete(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let mirrored = if form.text("mirrored") == "remove" {
        Mirrored::Remove
    } else {
        Mirrored::Keep
    };
    match remove(&shell.web, &id, mirrored).await? {
        Removal::Done => Ok(redirect(&shell.web, "/ui/mappings?done=mapping-removed")),
        Removal::GoesOn(_) => Ok(redirect(&shell.web, "/ui/mappings?done=mapping-going")),
    }
}
