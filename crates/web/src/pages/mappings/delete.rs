//! Deleting a mapping: keep the copies, or remove them; with counts and side.

use actix_web::web as aw;
use app::Mirrored;
use app::records::{Calendar, Direction};
use maud::html;

use crate::api::mappings::{Removal, remove};
use crate::input::Form;
use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::joined;
use crate::pages::words::{self, counted};
use crate::pages::{Answer, declared, redirect};

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
    let place =
        |calendar: &Calendar| format!("{} “{}”", words::side(calendar.side), calendar.facts.name);
    let (caldav, google) = (place(&mapping.caldav), place(&mapping.google));
    let (copies, spared) = match mapping.settings.direction {
        Direction::CaldavToGoogle => (
            google,
            "Nothing changes on the CalDAV side, and events you made in Google yourself are not touched.",
        ),
        Direction::GoogleToCaldav => (
            caldav,
            "Nothing changes on the Google side, and events you made in CalDAV yourself are not touched.",
        ),
        Direction::Bidirectional => (
            format!("{caldav} and {google}"),
            "Each event stays where it was made: only the copies of it that caldav-sync made on the \
             other side are meant.",
        ),
    };
    let choices = html! {
        fieldset {
            legend { "The copies in " (copies) }
            div.tick {
                input #keep type="radio" name="mirrored" value="keep" checked aria-describedby="keep-hint";
                div {
                    label for="keep" { "Keep the copies" }
                    p.hint #keep-hint { (events) " stay as they are and no longer follow." }
                }
            }
            @if mapping.restored_at.is_some() {
                p.hint {
                    "They can be removed once the mapping's "
                    a href={ (shell.at("/ui/mappings/")) (*id) "/preview" } { "preview" }
                    " is confirmed: it comes from a backup, and nothing is written before that."
                }
            } @else { div.tick {
                input #remove type="radio" name="mirrored" value="remove" aria-describedby="remove-hint";
                div {
                    label for="remove" { "Remove the copies" }
                    p.hint #remove-hint {
                        @if mapping.settings.direction == Direction::Bidirectional {
                            "Of " (events) " in step, the copy that caldav-sync made is removed."
                        } @else {
                            (events) " that caldav-sync made are removed from " (copies) "."
                        }
                    }
                }
            } }
        }
        p { (spared) }
        @if status.mappings.len() > 1 {
            p.detail { "A copy that another mapping feeds as well stays, and follows that one from now on." }
        }
        div.actions {
            button.danger type="submit" { "Delete the mapping" }
            a.button href=(shell.at("/ui/mappings")) { "Keep it" }
        }
    };
    let choices = if mapping.managed {
        declared::managed()
    } else {
        shell.form(&format!("/ui/mappings/{}/delete", *id), "stack", &choices)
    };
    let main = html! {
        div.narrow {
            h1 { "Delete this mapping?" }
            p.lead.pair { (joined(&mapping)) }
            section.card { (choices) }
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
