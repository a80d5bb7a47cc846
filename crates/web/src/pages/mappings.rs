//! Mappings: list, make, edit, pause, sync, preview, delete.

mod attention;
mod cleanup;
mod delete;
mod form;
mod preview;

use std::time::Duration;

use actix_web::web as aw;
use app::records::{Calendar, Mapping, MappingSettings};
use app::{MappingInput, PendingKind, SyncRequest, UserError};
use maud::html;
use sync_engine::model::Side;

use super::caldav::refused;
use super::dashboard::after;
use super::shell::{Here, Page, Shell};
use super::widgets::{badge, empty, joined, summary};
use super::{Answer, declared, redirect, words};
use crate::failure::Failure;
use crate::gate::may_confirm;
use crate::input::Form;
use crate::web::Web;
pub(crate) use attention::attention;
pub(crate) use cleanup::{ask_clean_up, clean_up};
pub(crate) use delete::{ask_delete, delete};
use form::Typed;
pub(crate) use preview::{listed, preview, shown};

/// How long the form for a new mapping waits for fresh lists of calendars.
const FRESH: Duration = Duration::from_secs(4);

/// All mappings.
pub(crate) async fn list(shell: Shell) -> Answer {
    let mappings = shell.web.app.mappings().await?;
    let main = html! {
        div.head {
            h1 { "Mappings" }
            @if !mappings.is_empty() {
                a.button.primary href=(shell.at("/ui/mappings/new")) { "New mapping" }
            }
        }
        @if mappings.is_empty() {
            (empty(
                "No mappings yet",
                "A mapping keeps one CalDAV calendar and one Google calendar in step.",
                &shell.at("/ui/mappings/new"),
                "Make a mapping",
            ))
        }
        div.cards {
            @for mapping in &mappings {
                @let id = mapping.id.as_str();
                article.card {
                    div.title {
                        h2 {
                            (joined(mapping))
                        }
                        @if !mapping.settings.enabled { (badge("idle", "Paused")) }
                        @else if mapping.restored_at.is_some() { (badge("warn", "Waits after a restore")) }
                        @else { (badge("good", "On")) }
                    }
                    @if let Some(name) = &mapping.settings.name { p { (name) } }
                    p.detail { (words::settings(&mapping.settings)) }
                    @if mapping.managed { (declared::managed()) }
                    div.actions {
                        @if !mapping.managed { a.button href={ (shell.at("/ui/mappings/")) (id) } { "Edit" } }
                        a.button href={ (shell.at("/ui/mappings/")) (id) "/preview" } { "Preview" }
                        @if !mapping.managed {
                            @if mapping.settings.enabled {
                                (shell.button(&format!("/ui/mappings/{id}/pause"), "", &html! { "Pause" }))
                            } @else {
                                (shell.button(&format!("/ui/mappings/{id}/resume"), "", &html! { "Resume" }))
                            }
                            a.button.danger href={ (shell.at("/ui/mappings/")) (id) "/delete" } { "Delete" }
                        }
                    }
                }
            }
        }
        (declared::waiting(&shell, Some(PendingKind::Mapping)))
    };
    Ok(shell.show(&Page::new(Here::Mappings, "Mappings", main)))
}

/// The calendars of both sides with their accounts' names: fresh if they come in time.
pub(super) struct Calendars {
    caldav: Vec<(String, Vec<Calendar>)>,
    google: Vec<(String, Vec<Calendar>)>,
}

impl Calendars {
    async fn of(web: &Web) -> Result<Self, UserError> {
        let app = &web.app;
        // An account that does not answer must not keep the form from being shown.
        let (caldav, google) = futures_util::join!(
            tokio::time::timeout(FRESH, app.caldav_calendars(None)),
            tokio::time::timeout(FRESH, app.google_calendars(None)),
        );
        let mut caldav = match caldav {
            Ok(fresh) => fresh?,
            Err(_) => app.known_calendars(Side::Caldav, None).await?,
        };
        let mut google = match google {
            Ok(fresh) => fresh?,
            Err(_) => app.known_calendars(Side::Google, None).await?,
        };
        caldav.retain(|calendar| calendar.listed);
        google.retain(|calendar| calendar.listed);
        let caldav_accounts = app.caldav_accounts().await?;
        let google_accounts = app.google_accounts().await?;
        let of = |account: &sync_engine::model::AccountId, all: &[Calendar]| {
            all.iter()
                .filter(|calendar| calendar.account == *account)
                .cloned()
                .collect::<Vec<_>>()
        };
        Ok(Self {
            caldav: caldav_accounts
                .iter()
                .map(|account| (account.name.clone(), of(&account.id, &caldav)))
                .collect(),
            google: google_accounts
                .iter()
                .map(|account| (account.email.clone(), of(&account.id, &google)))
                .collect(),
        })
    }
}

/// The form for a new mapping.
pub(crate) async fn new(shell: Shell) -> Answer {
    let calendars = Calendars::of(&shell.web).await?;
    let typed = Typed::of(&MappingSettings::default());
    Ok(shell.show(&new_page(&shell, &calendars, &typed, None)))
}

fn new_page(
    shell: &Shell,
    calendars: &Calendars,
    typed: &Typed,
    error: Option<&UserError>,
) -> Page {
    let title = "New mapping";
    let missing = if calendars.caldav.is_empty() {
        Some((
            "A CalDAV account comes first",
            "/ui/caldav/new",
            "Add an account",
        ))
    } else if calendars.google.is_empty() {
        Some((
            "A Google account comes first",
            "/ui/google",
            "Connect Google",
        ))
    } else {
        None
    };
    if let Some((heading, path, label)) = missing {
        let sentence = "A mapping joins a calendar on each side.";
        let main = html! {
            h1 { (title) }
            (empty(heading, sentence, &shell.at(path), label))
        };
        return Page::new(Here::Mappings, title, main);
    }
    let fields = html! {
        (form::calendars(calendars, typed, error))
        (form::settings(typed, false, error))
        div.actions {
            button.primary type="submit" { "Make the mapping" }
            a.button href=(shell.at("/ui/mappings")) { "Cancel" }
        }
    };
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        h1 { (title) }
        p.lead { "Choose a calendar on each side, and which way events go. What is there already is not touched before you have had a chance to look: a preview shows every change." }
        section.card.wide { (shell.form("/ui/mappings/new", "stack", &fields)) }
    };
    Page::new(Here::Mappings, title, main)
}

/// Makes a mapping.
pub(crate) async fn add(shell: Shell, form: Form) -> Answer {
    let typed = Typed::from_form(&form, &MappingSettings::default());
    let made = match typed.settings() {
        Ok(settings) => {
            let enabled = settings.enabled;
            let input = MappingInput {
                id: None,
                caldav_calendar_id: form.filled("caldav_calendar_id"),
                google_calendar_id: form.filled("google_calendar_id"),
                settings,
            };
            shell.web.app.put_mapping(input).await.map(|_| enabled)
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(true) => Ok(redirect(&shell.web, "/ui/?done=mapping-added")),
        Ok(false) => Ok(redirect(
            &shell.web,
            "/ui/mappings?done=mapping-paused-added",
        )),
        Err(error) => {
            let failure = Failure::from(error);
            let calendars = Calendars::of(&shell.web).await?;
            let page = new_page(&shell, &calendars, &typed, Some(&failure.error));
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}

fn edit_page(shell: &Shell, mapping: &Mapping, typed: &Typed, error: Option<&UserError>) -> Page {
    let title = "Edit mapping";
    let id = mapping.id.as_str();
    let fields = html! {
        (form::settings(typed, true, error))
        div.actions {
            button.primary type="submit" { "Save" }
            a.button href=(shell.at("/ui/mappings")) { "Cancel" }
        }
    };
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        p.crumb { a href=(shell.at("/ui/mappings")) { "Mappings" } }
        h1 { (title) }
        p.lead.pair { (joined(mapping)) }
        section.card.wide {
            @if mapping.managed {
                p { (words::settings(&mapping.settings)) }
                (declared::managed())
            } @else {
                (shell.form(&format!("/ui/mappings/{id}"), "stack", &fields))
            }
        }
        p.detail {
            a href={ (shell.at("/ui/mappings/")) (id) "/preview" } { "Preview the next run" } " · "
            a href={ (shell.at("/ui/runs?mapping=")) (id) } { "Runs of this mapping" } " · "
            a href={ (shell.at("/ui/mappings/")) (id) "/cleanup" } { "Clean up copies" }
            @if !mapping.managed {
                " · " a href={ (shell.at("/ui/mappings/")) (id) "/delete" } { "Delete this mapping" }
            }
        }
    };
    Page::new(Here::Mappings, title, main)
}

/// The form to edit a mapping.
pub(crate) async fn edit(shell: Shell, id: aw::Path<String>) -> Answer {
    let mapping = shell.web.app.mapping(&id).await?;
    let typed = Typed::of(&mapping.settings);
    Ok(shell.show(&edit_page(&shell, &mapping, &typed, None)))
}

/// Changes a mapping.
pub(crate) async fn change(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let mapping = shell.web.app.mapping(&id).await?;
    let typed = Typed::from_form(&form, &mapping.settings);
    let changed = match typed.settings() {
        Ok(settings) => {
            let input = MappingInput {
                id: Some(id.to_string()),
                caldav_calendar_id: None,
                google_calendar_id: None,
                settings,
            };
            shell.web.app.put_mapping(input).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(redirect(&shell.web, "/ui/mappings?done=mapping-changed")),
        Err(error) => {
            let failure = Failure::from(error);
            let page = edit_page(&shell, &mapping, &typed, Some(&failure.error));
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}

/// Switches a mapping off.
pub(crate) async fn pause(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.enable_mapping(&id, false).await?;
    Ok(redirect(&shell.web, "/ui/?done=paused"))
}

/// Switches a mapping on.
pub(crate) async fn resume(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.enable_mapping(&id, true).await?;
    Ok(redirect(&shell.web, "/ui/?done=resumed"))
}

/// Syncs one mapping, or does exactly what a preview showed, and waits a little.
pub(crate) async fn sync(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let request = SyncRequest {
        mapping_id: Some(id.into_inner()),
        plan_id: form.filled("plan_id"),
    };
    let (mapping, plan) = (request.mapping_id.as_deref(), request.plan_id.as_deref());
    may_confirm(&shell.web, Some(shell.access()), mapping, plan).await?;
    let handles = shell.web.app.sync(request).await?;
    Ok(after(&shell.web, &handles).await)
}
