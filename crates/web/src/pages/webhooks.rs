//! Webhooks: their list on the settings page, and a page for each with its deliveries and what can be
//! done about them.

use actix_web::{HttpResponse, web as aw};
use app::records::{Delivery, DeliveryState};
use app::{SettingsInput, UserError, WebhookInput, WebhookState, WebhookView};
use maud::{Markup, html};
use secrecy::ExposeSecret as _;
use sync_engine::model::time::Timestamp;

use super::shell::{Here, Page, Shell};
use super::widgets::{Input, badge, tick, trouble};
use super::{Answer, redirect, settings, words};
use crate::input::{Form, Query};

/// Deliveries on a page.
const PER_PAGE: u32 = 30;

/// All webhooks, for the settings page.
pub(super) fn list(shell: &Shell, webhooks: &[WebhookView]) -> Markup {
    html! {
        @if webhooks.is_empty() {
            p.detail { "Nobody is told about runs yet." }
        } @else {
            ul.rows {
                @for webhook in webhooks {
                    li {
                        div {
                            p.wrap { a href=(shell.at(&path(webhook, ""))) { (webhook.url) } }
                            p.detail {
                                @if webhook.has_secret { "signed" } @else { "not signed" }
                                @if webhook.managed { ", managed by the configuration" }
                            }
                        }
                        (state(webhook))
                    }
                }
            }
        }
    }
}

/// The form that adds one, for the settings page.
pub(super) fn add_form(url: &str, error: Option<&UserError>) -> Markup {
    html! {
        (Input {
            name: "webhooks", label: "Address", kind: "text", value: url,
            hint: Some(html! { "It gets a POST after every run of a mapping." }),
            autocomplete: Some("off"), required: true, error, ..Input::default()
        })
        (Input {
            name: "secret", label: "Secret", kind: "password",
            hint: Some(html! { "Deliveries are signed with it (Standard Webhooks). It is never shown again." }),
            autocomplete: Some("off"), error, ..Input::default()
        })
        (tick("generate", "Make a secret for me", "If the field above is empty. It is shown once, on the next page.", false))
        div.actions { button type="submit" { "Add the webhook" } }
    }
}

/// Webhooks that the program switched off, for the dashboard.
pub(super) fn notices(shell: &Shell, webhooks: &[WebhookView]) -> Markup {
    html! {
        @for webhook in webhooks.iter().filter(|webhook| webhook.state() == WebhookState::Disabled) {
            section.notice.bad aria-label={ "Webhook " (webhook.url) } {
                h2 { "A webhook was switched off" }
                p.wrap { (webhook.url) }
                p { (why(webhook)) }
                p { strong { "What to do: " } "Mend the receiver, send a test, then switch the webhook on again." }
                p { a.button.primary href=(shell.at(&path(webhook, ""))) { "Show the webhook" } }
            }
        }
    }
}

/// A path about a webhook.
fn path(webhook: &WebhookView, rest: &str) -> String {
    format!("/ui/settings/webhooks/{}{rest}", webhook.id)
}

fn state(webhook: &WebhookView) -> Markup {
    match webhook.state() {
        WebhookState::Ok => badge("good", "Works"),
        WebhookState::Failing => badge("warn", "Failing"),
        WebhookState::Disabled => badge("bad", "Switched off"),
        WebhookState::Off => badge("idle", "Off"),
    }
}

fn why(webhook: &WebhookView) -> String {
    let error = webhook.health.error.as_deref();
    format!(
        "It kept failing. {}",
        error.unwrap_or("The last attempt went well.")
    )
}

/// The page of one.
pub(crate) async fn show(shell: Shell, id: aw::Path<String>, query: Query) -> Answer {
    let app = &shell.web.app;
    let webhook = find(&shell, &id).await?;
    let before = query.get("before");
    let page = app.deliveries(&id, PER_PAGE, before).await?;
    let now = app.now();
    let main = html! {
        div.head { h1 { "Webhook" } (state(&webhook)) }
        section.card {
            p.wrap { (webhook.url) }
            (facts(&webhook, now))
            (health(&shell, &webhook, now))
            (actions(&shell, &webhook))
        }
        @if !webhook.managed { (change_form(&shell, &webhook)) }
        h2 { "Deliveries" }
        @if page.deliveries.is_empty() {
            p.detail { "Nothing was to be delivered yet." }
        } @else {
            (table(&shell, &webhook, &page.deliveries, now))
            nav.pages aria-label="Pages" {
                @if before.is_some() { a.button href=(shell.at(&path(&webhook, ""))) { "Newest" } }
                @if let Some(older) = &page.next {
                    a.button href={ (shell.at(&path(&webhook, "?before="))) (older) } rel="next" { "Older" }
                }
            }
        }
        p { a href=(shell.at("/ui/settings")) { "Back to the settings" } }
    };
    let mut page = Page::new(Here::Settings, "Webhook", main);
    page.trouble = webhook.health.error.is_some();
    Ok(shell.show(&page))
}

fn facts(webhook: &WebhookView, now: Timestamp) -> Markup {
    let health = &webhook.health;
    html! {
        dl.facts {
            div {
                dt { "Last delivery" }
                dd { @if let Some(at) = health.delivered_at { (words::moment(at, now)) } @else { "not yet" } }
            }
            div { dt { "Waiting" } dd { (words::counted(health.waiting, "message")) } }
            div { dt { "Signed" } dd { @if webhook.has_secret { "yes" } @else { "no" } } }
            @if webhook.managed { div { dt { "Declared" } dd { "by the configuration" } } }
        }
    }
}

/// What is wrong with it.
fn health(shell: &Shell, webhook: &WebhookView, now: Timestamp) -> Markup {
    let health = &webhook.health;
    let again = html! {
        (shell.button(&path(webhook, "/enable"), "primary", &html! { "Enable again" }))
    };
    html! {
        @if webhook.state() == WebhookState::Disabled {
            (trouble(&why(webhook), "Mend the receiver and send a test. What waits is sent when you enable the webhook again.", &again))
        } @else if let (Some(error), Some(since)) = (&health.error, health.failing_since) {
            div.notice.warn {
                p { (error) " It fails since " (words::moment(since, now)) "." }
                p { "Every message is tried ten times in about three days." }
            }
        }
    }
}

fn actions(shell: &Shell, webhook: &WebhookView) -> Markup {
    let button = |rest: &str, class: &str, label: &str| {
        shell.button(&path(webhook, rest), class, &html! { (label) })
    };
    html! {
        div.actions {
            (button("/test", "primary", "Send a test"))
            @if !webhook.managed {
                @match webhook.state() {
                    WebhookState::Ok | WebhookState::Failing => (button("/disable", "", "Switch off")),
                    WebhookState::Off => (button("/enable", "", "Switch on")),
                    WebhookState::Disabled => {},
                }
                (button("/secret", "", "Make a new secret"))
                (button("/delete", "danger", "Remove"))
            }
        }
    }
}

/// The form that changes it. What is wrong with what was typed is said on a page of its own.
fn change_form(shell: &Shell, webhook: &WebhookView) -> Markup {
    let fields = html! {
        (Input {
            name: "webhooks", label: "Address", kind: "text", value: &webhook.url,
            autocomplete: Some("off"), required: true, ..Input::default()
        })
        (Input {
            name: "secret", label: "Another secret", kind: "password",
            hint: Some(html! { "Empty: it stays. The one it has goes on signing beside the new one for a day." }),
            autocomplete: Some("off"), ..Input::default()
        })
        div.actions { button type="submit" { "Save" } }
    };
    html! {
        details.card {
            summary { "Change the address or the secret" }
            (shell.form(&path(webhook, "/change"), "stack", &fields))
        }
    }
}

fn table(shell: &Shell, webhook: &WebhookView, deliveries: &[Delivery], now: Timestamp) -> Markup {
    html! {
        div.table {
            table {
                thead {
                    tr {
                        th scope="col" { "Made" }
                        th scope="col" { "Tells of" }
                        th scope="col" { "Status" }
                        th scope="col" { "Attempts" }
                        th scope="col" { "Again" }
                    }
                }
                tbody {
                    @for delivery in deliveries {
                        tr {
                            td data-label="Made" { (words::moment(delivery.created_at, now)) }
                            td data-label="Tells of" {
                                @if let Some(run) = &delivery.run {
                                    a href={ (shell.at("/ui/runs/")) (run.as_str()) } { "a run" }
                                } @else { "a test" }
                            }
                            td data-label="Status" {
                                @match delivery.state {
                                    DeliveryState::Waiting => (badge("busy", "Waiting")),
                                    DeliveryState::Delivered => (badge("good", "Delivered")),
                                    DeliveryState::Failed => (badge("bad", "Failed")),
                                }
                                @if let Some(error) = &delivery.error { p.detail.wrap { (error) } }
                            }
                            td data-label="Attempts" {
                                (delivery.attempts)
                                @if let Some(next) = delivery.next_at.filter(|next| *next > now) {
                                    p.detail { "next " (words::relative(next, now)) }
                                }
                            }
                            td data-label="Again" {
                                (shell.button(&path(webhook, &format!("/deliveries/{}/replay", delivery.id)), "",
                                    &html! { "Send again" span.unseen { " " (delivery.id) } }))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds a webhook to those that are there.
pub(crate) async fn add(shell: Shell, form: Form) -> Answer {
    let mut webhooks = own(&shell).await?;
    let known: Vec<String> = webhooks.iter().filter_map(|hook| hook.id.clone()).collect();
    let secret = form.secret("secret");
    let generate = secret.is_none() && form.ticked("generate");
    webhooks.push(WebhookInput {
        id: None,
        url: form.text("webhooks").trim().to_owned(),
        secret,
        enabled: true,
    });
    let changed = put(&shell, webhooks).await;
    let added = changed.as_ref().ok().and_then(|settings| {
        let mut added = settings.webhooks.iter().filter(|hook| !hook.managed);
        added.find(|hook| !known.contains(&hook.id))
    });
    match added {
        Some(webhook) if generate => show_new_secret(&shell, &webhook.id).await,
        _ => settings::answer(&shell, &form, changed, "webhook-added").await,
    }
}

/// Changes where it is, and its secret if another one is typed.
pub(crate) async fn change(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let (mut webhooks, at) = changeable(&shell, &id).await?;
    if let Some(webhook) = webhooks.get_mut(at) {
        form.text("webhooks").trim().clone_into(&mut webhook.url);
        webhook.secret = form.secret("secret");
    }
    put(&shell, webhooks).await?;
    Ok(back(&shell, &id, "webhook-changed"))
}

/// Removes a webhook.
pub(crate) async fn delete(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let (mut webhooks, at) = changeable(&shell, &id).await?;
    webhooks.remove(at);
    let changed = put(&shell, webhooks).await;
    settings::answer(&shell, &form, changed, "webhook-removed").await
}

/// Switches a webhook on, or on again.
pub(crate) async fn enable(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    shell.web.app.enable_webhook(&id).await?;
    Ok(back(&shell, &id, "webhook-on"))
}

/// Switches a webhook off.
pub(crate) async fn disable(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    let (mut webhooks, at) = changeable(&shell, &id).await?;
    if let Some(webhook) = webhooks.get_mut(at) {
        webhook.enabled = false;
    }
    put(&shell, webhooks).await?;
    Ok(back(&shell, &id, "webhook-off"))
}

/// Sends a test.
pub(crate) async fn test(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    let sent = shell.web.app.test_webhook(&id).await?;
    Ok(back(&shell, &id, told(&sent)))
}

/// Sends a delivery again.
pub(crate) async fn replay(shell: Shell, path: aw::Path<(String, String)>, _form: Form) -> Answer {
    let (id, delivery) = path.into_inner();
    let sent = shell.web.app.replay_delivery(&id, &delivery).await?;
    Ok(back(&shell, &id, told(&sent)))
}

/// Makes a new secret and shows it, this once.
pub(crate) async fn new_secret(shell: Shell, id: aw::Path<String>, _form: Form) -> Answer {
    show_new_secret(&shell, &id).await
}

async fn show_new_secret(shell: &Shell, id: &str) -> Answer {
    let secret = shell.web.app.new_webhook_secret(id).await?;
    let webhook = find(shell, id).await?;
    let main = html! {
        h1 { "The webhook's new secret" }
        section.card {
            p.wrap { "For " (webhook.url) }
            p.copy { code { (secret.expose_secret()) } }
            p { "Copy it into the receiver now: it is not shown again. A secret that it had before goes on signing beside this one for a day." }
            p { a.button.primary href=(shell.at(&path(&webhook, ""))) { "Done" } }
        }
    };
    Ok(shell.show(&Page::new(Here::Settings, "New secret", main)))
}

/// What a page says after an attempt.
fn told(sent: &Delivery) -> &'static str {
    // A delivery that was sent again may have been delivered before.
    if sent.state == DeliveryState::Delivered && sent.error.is_none() {
        "delivered"
    } else {
        "not-delivered"
    }
}

fn back(shell: &Shell, id: &str, done: &str) -> HttpResponse {
    let path = format!("/ui/settings/webhooks/{id}?done={done}");
    redirect(&shell.web, &path)
}

async fn find(shell: &Shell, id: &str) -> Result<WebhookView, UserError> {
    let mut webhooks = shell.web.app.settings().await?.webhooks.into_iter();
    webhooks
        .find(|webhook| webhook.id == id)
        .ok_or_else(|| UserError::not_found("webhook", id))
}

async fn put(shell: &Shell, webhooks: Vec<WebhookInput>) -> Result<app::Settings, UserError> {
    let input = SettingsInput {
        webhooks: Some(webhooks),
        ..SettingsInput::default()
    };
    shell.web.app.change_settings(input).await
}

/// The webhooks that may be changed here, and where this one is among them.
///
/// # Errors
/// 404, or 409 for one that is declared elsewhere.
async fn changeable(shell: &Shell, id: &str) -> Result<(Vec<WebhookInput>, usize), UserError> {
    if find(shell, id).await?.managed {
        return Err(UserError::webhook_managed());
    }
    let webhooks = own(shell).await?;
    let at = webhooks
        .iter()
        .position(|webhook| webhook.id.as_deref() == Some(id))
        .ok_or_else(|| UserError::not_found("webhook", id))?;
    Ok((webhooks, at))
}

/// The webhooks that may be changed here, as input that keeps them.
async fn own(shell: &Shell) -> Result<Vec<WebhookInput>, UserError> {
    let settings = shell.web.app.settings().await?;
    Ok(settings
        .webhooks
        .into_iter()
        .filter(|webhook| !webhook.managed)
        .map(|webhook| WebhookInput {
            id: Some(webhook.id),
            url: webhook.url,
            secret: None,
            enabled: webhook.enabled,
        })
        .collect())
}
