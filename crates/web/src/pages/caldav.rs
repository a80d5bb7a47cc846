//! CalDAV accounts: list, add, edit, remove.

mod certificate;

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::records::{CaldavAccount, CaldavStatus, Calendar};
use app::{CaldavAccountInput, PendingKind, UserError, is_in_clear};
use maud::{Markup, html};
use sync_engine::model::Side;

use super::shell::{Here, Page, Shell};
use super::widgets::{Input, badge, calendar, empty, summary, trouble};
use super::{Answer, declared, redirect, removal, words};
use crate::api::caldav::IN_CLEAR;
use crate::failure::Failure;
use crate::input::Form;

/// All accounts with their calendars as last seen.
pub(crate) async fn list(shell: Shell) -> Answer {
    let accounts = shell.web.app.caldav_accounts().await?;
    let calendars = shell.web.app.known_calendars(Side::Caldav, None).await?;
    let trouble = accounts
        .iter()
        .any(|account| account.status != CaldavStatus::Ok);
    let main = html! {
        div.head {
            h1 { "CalDAV accounts" }
            @if !accounts.is_empty() {
                a.button.primary href=(shell.at("/ui/caldav/new")) { "Add an account" }
            }
        }
        @if accounts.is_empty() {
            (empty(
                "No CalDAV account yet",
                "Add the account whose calendars you want to see in Google Calendar.",
                &shell.at("/ui/caldav/new"),
                "Add an account",
            ))
        }
        div.cards {
            @for account in &accounts { (card(&shell, account, &calendars)) }
        }
        (declared::waiting(&shell, Some(PendingKind::Account)))
    };
    let mut page = Page::new(Here::Caldav, "CalDAV accounts", main);
    page.trouble = trouble;
    Ok(shell.show(&page))
}

fn card(shell: &Shell, account: &CaldavAccount, calendars: &[Calendar]) -> Markup {
    let id = account.id.as_str();
    let own: Vec<&Calendar> = calendars
        .iter()
        .filter(|calendar| calendar.account == account.id && calendar.listed)
        .collect();
    let (kind, word) = match account.status {
        CaldavStatus::Ok => ("good", "Works"),
        CaldavStatus::Unauthorized => ("bad", "Sign-in refused"),
        CaldavStatus::Unreachable => ("warn", "Not reachable"),
        CaldavStatus::NotFound => ("bad", "No calendars found"),
    };
    html! {
        article.card {
            div.title {
                h2 { (account.name) }
                (badge(kind, word))
            }
            p.detail { (account.username) " · " (account.base_url) }
            @if let Some(problem) = &account.problem {
                (trouble(&problem.detail, &problem.action, &html! {
                    @if !account.managed {
                        p { a href={ (shell.at("/ui/caldav/")) (id) } { "Edit the account" } }
                    }
                }))
            }
            @if let Some(trusted) = &account.trusted_fingerprint {
                p.detail { "Only this certificate is trusted: " (trusted) }
            }
            @if is_in_clear(account) { p.notice.warn { (IN_CLEAR) } }
            @if let Some(checked) = account.checked_at {
                p.detail { "Last checked " (words::moment(checked, shell.web.app.now())) }
            }
            h3 { (words::counted(own.len() as u64, "calendar")) }
            @if !own.is_empty() {
                ul.calendars {
                    @for own in own {
                        li {
                            (calendar(own))
                            @if !own.facts.writable { " " span.optional { "read only" } }
                        }
                    }
                }
            }
            @if account.managed { (declared::managed()) }
            div.actions {
                @if !account.managed { a.button href={ (shell.at("/ui/caldav/")) (id) } { "Edit" } }
                (shell.button(&format!("/ui/caldav/{id}/refresh"), "", &html! { "Refresh calendars" }))
                @if !account.managed {
                    a.button.danger href={ (shell.at("/ui/caldav/")) (id) "/delete" } { "Remove" }
                }
            }
        }
    }
}

/// What was typed, without the password.
#[derive(Default)]
struct Typed {
    name: String,
    base_url: String,
    username: String,
    trusted: String,
}

impl From<&CaldavAccount> for Typed {
    fn from(account: &CaldavAccount) -> Self {
        Self {
            name: account.name.clone(),
            base_url: account.base_url.clone(),
            username: account.username.clone(),
            trusted: account.trusted_fingerprint.clone().unwrap_or_default(),
        }
    }
}

impl From<&Form> for Typed {
    fn from(form: &Form) -> Self {
        Self {
            name: form.text("name").to_owned(),
            base_url: form.text("base_url").to_owned(),
            username: form.text("username").to_owned(),
            trusted: form.text(certificate::FIELD).to_owned(),
        }
    }
}

fn input(form: &Form) -> CaldavAccountInput {
    CaldavAccountInput {
        name: form.filled("name"),
        base_url: form.filled("base_url"),
        username: form.filled("username"),
        password: form.secret("password"),
        trusted_fingerprint: form.get(certificate::FIELD).map(ToOwned::to_owned),
    }
}

fn fields(typed: &Typed, editing: Option<&CaldavAccount>, error: Option<&UserError>) -> Markup {
    let trusted = editing.and_then(|account| account.trusted_fingerprint.as_deref());
    let editing = editing.is_some();
    html! {
        (Input {
            name: "base_url", label: "Address", kind: "text", value: &typed.base_url,
            hint: Some(html! { "The server, such as " code { "https://cloud.example.org" } ". Calendars are found from there." }),
            autocomplete: Some("url"), required: true, error, ..Input::default()
        })
        (Input {
            name: "username", label: "User name", kind: "text", value: &typed.username,
            autocomplete: Some("username"), required: true, error, ..Input::default()
        })
        (Input {
            name: "password", label: "Password", kind: "password",
            hint: Some(if editing {
                html! { "Leave it empty to keep the saved one." }
            } else {
                html! { "An app password where the provider has them. It is stored encrypted." }
            }),
            autocomplete: Some(if editing { "new-password" } else { "current-password" }),
            required: !editing, error, ..Input::default()
        })
        (Input {
            name: "name", label: "Name", kind: "text", value: &typed.name,
            hint: Some(html! { "What you want to call it here." }),
            autocomplete: Some("off"), error, ..Input::default()
        })
        (certificate::choice(&typed.trusted, trusted, error))
    }
}

fn new_page(shell: &Shell, typed: &Typed, error: Option<&UserError>) -> Page {
    let form = html! {
        (fields(typed, None, error))
        div.actions {
            button.primary type="submit" { "Test and add" }
            a.button href=(shell.at("/ui/caldav")) { "Cancel" }
        }
    };
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        h1 { "Add a CalDAV account" }
        div.columns {
            section.card { (shell.form("/ui/caldav/new", "stack", &form)) }
            (hints())
        }
    };
    Page::new(Here::Caldav, "Add a CalDAV account", main)
}

/// What people have to know about their provider.
fn hints() -> Markup {
    html! {
        aside.hints aria-label="Addresses and passwords by provider" {
            h2 { "What to enter" }
            dl {
                dt { "iCloud" }
                dd {
                    code { "https://caldav.icloud.com" } ", your Apple account's e-mail address, and an "
                    "app-specific password from account.apple.com (Sign-In and Security)."
                }
                dt { "Fastmail" }
                dd {
                    code { "https://caldav.fastmail.com" } ", your full address, and an app password from "
                    "Settings → Privacy & Security with access to calendars."
                }
                dt { "Nextcloud" }
                dd {
                    "The address you open in the browser, your user name, and an app password from "
                    "Personal settings → Security."
                }
                dt { "Radicale, Baïkal, SOGo, Synology and others" }
                dd { "The server's address, and what you sign in with there. If it is not found, paste the address of your calendar." }
            }
        }
    }
}

/// The form for a new account.
pub(crate) async fn new(shell: Shell) -> Answer {
    Ok(shell.show(&new_page(&shell, &Typed::default(), None)))
}

/// Adds an account after a real discovery.
pub(crate) async fn add(shell: Shell, form: Form) -> Answer {
    match shell.web.app.add_caldav_account(input(&form)).await {
        Ok(_) => Ok(redirect(&shell.web, "/ui/caldav?done=account-added")),
        Err(error) => {
            let failure = Failure::from(error);
            let page = new_page(&shell, &Typed::from(&form), Some(&failure.error));
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}

/// Forms that are not accepted are 422; what broke keeps its status.
pub(super) fn refused(failure: &Failure) -> StatusCode {
    if failure.status.is_server_error() {
        failure.status
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// An account by its id.
async fn find(shell: &Shell, id: &str) -> Result<CaldavAccount, UserError> {
    let accounts = shell.web.app.caldav_accounts().await?;
    let found = accounts
        .into_iter()
        .find(|account| account.id.as_str() == id);
    found.ok_or_else(|| UserError::not_found("CalDAV account", id))
}

fn edit_page(
    shell: &Shell,
    account: &CaldavAccount,
    typed: &Typed,
    error: Option<&UserError>,
) -> Page {
    let form = html! {
        (fields(typed, Some(account), error))
        div.actions {
            button.primary type="submit" { "Test and save" }
            a.button href=(shell.at("/ui/caldav")) { "Cancel" }
        }
    };
    let action = format!("/ui/caldav/{}", account.id.as_str());
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        h1 { "Edit " (account.name) }
        @if account.managed {
            (declared::managed())
        } @else {
            p.lead { "The account is tested before anything is saved. Its mappings stay." }
            div.columns {
                section.card { (shell.form(&action, "stack", &form)) }
                (hints())
            }
        }
    };
    Page::new(Here::Caldav, format!("Edit {}", account.name), main)
}

/// The form to edit an account.
pub(crate) async fn edit(shell: Shell, id: aw::Path<String>) -> Answer {
    let account = find(&shell, &id).await?;
    let typed = Typed::from(&account);
    Ok(shell.show(&edit_page(&shell, &account, &typed, None)))
}

/// Changes an account, tested first.
pub(crate) async fn change(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let account = find(&shell, &id).await?;
    match shell.web.app.change_caldav_account(&id, input(&form)).await {
        Ok(_) => Ok(redirect(&shell.web, "/ui/caldav?done=account-changed")),
        Err(error) => {
            let failure = Failure::from(error);
            let page = edit_page(&shell, &account, &Typed::from(&form), Some(&failure.error));
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}

/// Asks the server for its calendars again.
pub(crate) async fn refresh(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    let Err(error) = shell.web.app.caldav_calendars(Some(&id)).await else {
        return Ok(redirect(&shell.web, "/ui/caldav?done=refreshed"));
    };
    if certificate::shown(Some(&error)).is_none() {
        return Err(error.into());
    }
    // There is something to decide, and the form is where.
    let account = find(&shell, &id).await?;
    let failure = Failure::from(error);
    let typed = Typed::from(&account);
    let page = edit_page(&shell, &account, &typed, Some(&failure.error));
    Ok(shell.show(&page.refused(refused(&failure))))
}

/// Asks before an account is removed.
pub(crate) async fn ask_delete(shell: Shell, id: aw::Path<String>) -> Answer {
    let account = find(&shell, &id).await?;
    let users = shell.web.app.mappings().await?;
    let users: Vec<_> = users
        .iter()
        .filter(|mapping| mapping.caldav.account == account.id)
        .collect();
    Ok(removal::ask(
        &shell,
        &removal::Removal {
            here: Here::Caldav,
            list: "/ui/caldav",
            id: &id,
            name: &account.name,
            managed: account.managed,
            users: &users,
            consequence: "The saved password is deleted here. Nothing changes on the server.",
        },
    ))
}

/// Removes an account that no mapping uses.
pub(crate) async fn delete(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.delete_caldav_account(&id).await?;
    Ok(redirect(&shell.web, "/ui/caldav?done=account-removed"))
}
