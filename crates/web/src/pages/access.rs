//! Keys and sessions: who may come in, below the settings. Always needs the key.

use actix_web::http::StatusCode;
use actix_web::web as aw;
use app::UserError;
use app::access::{KeyView, NewKey, SessionView};
use app::records::KeyScope;
use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};

use super::caldav::refused;
use super::shell::{Here, Page, Shell};
use super::widgets::{Input, Radio, Radios, summary};
use super::{Answer, redirect, words};
use crate::access::Access;
use crate::failure::Failure;
use crate::input::Form;

const PATH: &str = "/ui/settings/access";

const SCOPES: [Radio<'static>; 3] = [
    Radio {
        value: "read",
        label: "Read",
        hint: "Looks at everything but keys, and changes nothing. For monitoring.",
    },
    Radio {
        value: "sync",
        label: "Sync",
        hint: "Reads, and starts runs. For scripts and for webhooks that call POST /sync.",
    },
    Radio {
        value: "admin",
        label: "Admin",
        hint: "Everything, keys included.",
    },
];

/// The page.
pub(crate) async fn show(shell: Shell) -> Answer {
    let page = page(&shell, None, None, None).await?;
    Ok(shell.show(&page))
}

/// Makes a key; the answer is the one page that shows it.
pub(crate) async fn make(shell: Shell, form: Form) -> Answer {
    let made = match scope_of(form.text("scope")) {
        Some(scope) => shell.web.app.make_key(form.text("name"), scope).await,
        None => Err(UserError::invalid("scope", "Choose what the key is for.")),
    };
    match made {
        Ok(made) => {
            let mut page = page(&shell, Some(&made), None, None).await?;
            page.status = StatusCode::CREATED;
            Ok(shell.show(&page))
        }
        Err(error) => {
            let failure = Failure::from(named(error));
            let page = page(&shell, None, Some(&form), Some(&failure.error)).await?;
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}

/// A name that is taken is a fault of its field.
fn named(error: UserError) -> UserError {
    if error.code == "already_exists" {
        return UserError::invalid("name", "There is a key of that name. Choose another.");
    }
    error
}

/// Asks before a key is revoked.
pub(crate) async fn ask_revoke(shell: Shell, id: aw::Path<String>) -> Answer {
    let keys = shell.web.app.keys().await?;
    let key = keys
        .into_iter()
        .find(|key| key.id == *id)
        .ok_or_else(|| UserError::not_found("API key", &id))?;
    let title = format!("Revoke the key {}?", key.name);
    let form = html! {
        div.actions {
            button.danger type="submit" { "Revoke the key" }
            a.button href=(shell.at(PATH)) { "Keep it" }
        }
    };
    let main = html! {
        div.narrow {
            h1 { (title) }
            section.card {
                p {
                    "Whatever uses it is refused from the next request on, and browsers that signed \
                     in with it are signed out. Calendars, accounts and mappings are not touched."
                }
                (shell.form(&format!("{PATH}/keys/{id}/revoke"), "", &form))
            }
        }
    };
    Ok(shell.show(&Page::new(Here::Settings, title, main)))
}

/// Revokes a key.
pub(crate) async fn revoke(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.revoke_key(&id).await?;
    Ok(redirect(&shell.web, &format!("{PATH}?done=key-revoked")))
}

/// Signs one browser out.
pub(crate) async fn end(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.end_shown_session(&id).await?;
    Ok(redirect(&shell.web, &format!("{PATH}?done=session-ended")))
}

/// Signs all other browsers out.
pub(crate) async fn end_others(shell: Shell, _form: Form) -> Answer {
    shell.web.app.end_sessions(own(&shell)).await?;
    Ok(redirect(&shell.web, &format!("{PATH}?done=sessions-ended")))
}

/// What the visitor's own cookie holds.
fn own(shell: &Shell) -> Option<&SecretString> {
    match shell.access() {
        Access::Session(session) => Some(&session.id),
        _ => None,
    }
}

fn scope_of(word: &str) -> Option<KeyScope> {
    [KeyScope::Read, KeyScope::Sync, KeyScope::Admin]
        .into_iter()
        .find(|scope| scope_word(*scope) == word)
}

fn scope_word(scope: KeyScope) -> &'static str {
    match scope {
        KeyScope::Read => "read",
        KeyScope::Sync => "sync",
        KeyScope::Admin => "admin",
    }
}

async fn page(
    shell: &Shell,
    made: Option<&NewKey>,
    typed: Option<&Form>,
    error: Option<&UserError>,
) -> Result<Page, Failure> {
    let keys = shell.web.app.keys().await?;
    let sessions = shell.web.app.sessions(own(shell)).await?;
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        p.crumb { a href=(shell.at("/ui/settings")) { "Settings" } }
        h1 { "Keys and sessions" }
        div.narrow {
            @if let Some(made) = made {
                section.notice.good role="status" {
                    h2 { "The key " (made.view.name) }
                    p { "Copy it now: it is shown this once." }
                    p.copy { code { (made.key.expose_secret()) } }
                }
            }
            section.card {
                h2 { "API keys" }
                ul.rows { @for key in &keys { (key_row(shell, key)) } }
                h3 { "Make a key" }
                (shell.form(&format!("{PATH}/keys"), "stack", &key_fields(typed, error)))
            }
            section.card {
                h2 { "Signed-in browsers" }
                @if sessions.is_empty() {
                    p.detail { "No browser is signed in." }
                } @else {
                    ul.rows { @for session in &sessions { (session_row(shell, session)) } }
                }
                @if sessions.iter().any(|session| !session.own) {
                    div.actions {
                        (shell.button(&format!("{PATH}/sessions/end"), "danger", &html! { "Sign out all others" }))
                    }
                }
                p.detail { "A session ends after 7 days without a visit, and after 30 days in any case." }
            }
        }
    };
    Ok(Page::new(Here::Settings, "Keys and sessions", main))
}

fn key_fields(typed: Option<&Form>, error: Option<&UserError>) -> Markup {
    let text = |name: &str| typed.and_then(|form| form.get(name));
    html! {
        (Input {
            name: "name", label: "Name", kind: "text", value: text("name").unwrap_or_default(),
            hint: Some(html! { "What it is for, such as the script or machine that will use it." }),
            autocomplete: Some("off"), required: true, error, ..Input::default()
        })
        (Radios {
            name: "scope", legend: "It may", hint: None, value: text("scope").unwrap_or("read"),
            options: &SCOPES, error,
        })
        div.actions { button type="submit" { "Make the key" } }
    }
}

fn key_row(shell: &Shell, key: &KeyView) -> Markup {
    let now = shell.web.app.now();
    html! {
        li {
            div {
                p.wrap { strong { (key.name) } " " span.optional { (scope_word(key.scope)) } }
                p.detail {
                    "Since " (words::instant(key.created_at)) ", "
                    @match key.used_at {
                        Some(at) => { "last used " (words::moment(at, now)) }
                        None => { "never used" }
                    }
                    @if key.managed { ", set by API_KEY" }
                }
            }
            @if !key.managed {
                a.button.danger href={ (shell.at(PATH)) "/keys/" (key.id) "/revoke" } {
                    "Revoke" span.unseen { " " (key.name) }
                }
            }
        }
    }
}

fn session_row(shell: &Shell, session: &SessionView) -> Markup {
    let now = shell.web.app.now();
    html! {
        li {
            div {
                p.wrap {
                    @if session.agent.is_empty() { "Unknown browser" } @else { (session.agent) }
                    @if session.own { " " span.mark { "this browser" } }
                }
                p.detail {
                    "Signed in " (words::instant(session.created_at)) " from " (session.address)
                    " with the key " (session.key) " (" (scope_word(session.scope)) "), last seen "
                    (words::moment(session.seen_at, now))
                }
            }
            @if !session.own {
                (shell.button(&format!("{PATH}/sessions/{}/end", session.id), "danger",
                    &html! { "Sign out" span.unseen { " the browser at " (session.address) } }))
            }
        }
    }
}
