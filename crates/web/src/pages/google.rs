//! Google accounts: connect, reconnect, remove; and how to make an OAuth client.

use actix_web::web as aw;
use app::records::{Calendar, GoogleAccount, GoogleStatus};
use app::{Revoked, UserError};
use maud::{Markup, html};
use sync_engine::model::Side;

use super::shell::{Here, Page, Shell};
use super::widgets::{badge, calendar, trouble};
use super::{Answer, redirect, removal, words};
use crate::input::Form;

/// All accounts with their calendars as last seen.
pub(crate) async fn list(shell: Shell) -> Answer {
    let app = &shell.web.app;
    let accounts = app.google_accounts().await?;
    let calendars = app.known_calendars(Side::Google, None).await?;
    let ready = app.google_is_configured();
    let bad = accounts
        .iter()
        .any(|account| account.status != GoogleStatus::Ok);
    let main = html! {
        div.head {
            h1 { "Google accounts" }
            @if ready && !accounts.is_empty() {
                a.button.primary href=(shell.at("/oauth/start")) { "Connect another account" }
            }
        }
        @if !ready { (set_up(&shell)) }
        @if ready && accounts.is_empty() {
            section.card.empty {
                h2 { "No Google account yet" }
                p { "Sign in with Google to let caldav-sync write to your calendars." }
                p { a.button.primary href=(shell.at("/oauth/start")) { "Connect Google" } }
            }
        }
        div.cards {
            @for account in &accounts { (card(&shell, account, &calendars)) }
        }
        @if ready { (facts(&shell)) }
    };
    let mut page = Page::new(Here::Google, "Google accounts", main);
    page.trouble = bad;
    Ok(shell.show(&page))
}

fn card(shell: &Shell, account: &GoogleAccount, calendars: &[Calendar]) -> Markup {
    let id = account.id.as_str();
    let own: Vec<&Calendar> = calendars
        .iter()
        .filter(|calendar| calendar.account == account.id && calendar.listed)
        .collect();
    let works = account.status == GoogleStatus::Ok;
    let again = shell.at(&format!("/oauth/start?account={id}"));
    html! {
        article.card {
            div.title {
                h2 { (account.email) }
                @if works { (badge("good", "Works")) } @else { (badge("bad", "Sign in again")) }
            }
            @if !works {
                @let (detail, action) = account.problem.as_ref().map_or(
                    ("The sign-in has expired.", "Connect the account again; its mappings stay."),
                    |problem| (problem.detail.as_str(), problem.action.as_str()),
                );
                (trouble(detail, action, &html! {
                    p { a.button.primary href=(again) { "Reconnect" } }
                }))
            }
            h3 { (words::counted(own.len() as u64, "calendar")) }
            ul.calendars {
                @for own in own {
                    li {
                        (calendar(own))
                        @if own.facts.primary { " " span.optional { "main" } }
                        @if !own.facts.writable { " " span.optional { "read only" } }
                    }
                }
            }
            div.actions {
                @if works { a.button href=(again) { "Reconnect" } }
                (shell.button(&format!("/ui/google/{id}/refresh"), "", &html! { "Refresh calendars" }))
                a.button.danger href={ (shell.at("/ui/google/")) (id) "/delete" } { "Remove" }
            }
        }
    }
}

fn redirect_uri(shell: &Shell) -> String {
    shell.web.app.config().redirect_uri().to_string()
}

/// How to make an OAuth client.
fn set_up(shell: &Shell) -> Markup {
    html! {
        section.card {
            h2 { "Google is not set up yet" }
            p { "Google lets programs in by an OAuth client, which is yours and free. It takes about five minutes, once:" }
            ol.steps {
                li { "Open the Google Cloud console (console.cloud.google.com) and make a project, or choose one." }
                li { "Under “APIs & Services → Library”, enable the " strong { "Google Calendar API" } "." }
                li {
                    "Under “Google Auth Platform”, fill in the branding, choose the audience "
                    strong { "External" } " and then “Publish app”: in testing, Google ends every sign-in after seven days."
                }
                li {
                    "Under “Clients”, create a client of the type " strong { "Web application" }
                    " and register exactly this redirect address:"
                    p.copy { code { (redirect_uri(shell)) } }
                }
                li {
                    "Give its id and secret to caldav-sync as " code { "GOOGLE_CLIENT_ID" } " and "
                    code { "GOOGLE_CLIENT_SECRET" } ", and restart it."
                }
            }
            p { a.button href=(shell.at("/ui/google")) { "Check again" } }
        }
    }
}

fn facts(shell: &Shell) -> Markup {
    html! {
        details.card {
            summary { "The redirect address, and what caldav-sync may do" }
            p { "This address must be registered with your OAuth client, letter for letter:" }
            p.copy { code { (redirect_uri(shell)) } }
            p {
                "caldav-sync asks to see the list of your calendars, and to view and edit events. "
                "It changes only events it has made itself."
            }
        }
    }
}

async fn find(shell: &Shell, id: &str) -> Result<GoogleAccount, UserError> {
    let accounts = shell.web.app.google_accounts().await?;
    let found = accounts
        .into_iter()
        .find(|account| account.id.as_str() == id);
    found.ok_or_else(|| UserError::not_found("Google account", id))
}

/// Asks Google for the calendars again.
pub(crate) async fn refresh(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.google_calendars(Some(&id)).await?;
    Ok(redirect(&shell.web, "/ui/google?done=refreshed"))
}

/// Asks before an account is removed.
pub(crate) async fn ask_delete(shell: Shell, id: aw::Path<String>) -> Answer {
    let account = find(&shell, &id).await?;
    let users = shell.web.app.mappings().await?;
    let users: Vec<_> = users
        .iter()
        .filter(|mapping| mapping.google.account == account.id)
        .collect();
    Ok(removal::ask(
        &shell,
        &removal::Removal {
            here: Here::Google,
            list: "/ui/google",
            id: &id,
            name: &account.email,
            managed: false,
            users: &users,
            consequence: "The access is withdrawn at Google and deleted here. No event is touched.",
        },
    ))
}

/// Removes an account that no mapping uses, and its grant at Google.
pub(crate) async fn delete(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    let done = match shell.web.app.delete_google_account(&id).await? {
        Revoked::Yes => "account-removed",
        Revoked::No => "account-not-revoked",
    };
    Ok(redirect(&shell.web, &format!("/ui/google?done={done}")))
}
