//! Settings: how often to sync, and whom to tell.

use actix_web::web as aw;
use app::{Settings, SettingsInput, UserError, WebhookInput};
use maud::{Markup, html};

use super::caldav::refused;
use super::shell::{Here, Page, Shell};
use super::widgets::{Input, summary};
use super::{Answer, redirect};
use crate::failure::Failure;
use crate::input::Form;

fn page(
    shell: &Shell,
    settings: &Settings,
    typed: Option<&Form>,
    error: Option<&UserError>,
) -> Page {
    let minutes = settings.interval_seconds.to_string();
    let text = |name: &str, known: &str| {
        typed
            .and_then(|form| form.get(name))
            .map_or_else(|| known.to_owned(), ToOwned::to_owned)
    };
    let interval = text("interval_seconds", &minutes);
    let every = html! {
        (Input {
            name: "interval_seconds", label: "Seconds between two rounds", kind: "number",
            value: &interval,
            hint: Some(html! { "From 60 (a minute) to 86400 (a day). 300 is five minutes." }),
            autocomplete: Some("off"), required: true, bounds: Some((60, 86_400)), error,
        })
        div.actions { button.primary type="submit" { "Save" } }
    };
    let url = text("webhooks", "");
    let add = html! {
        (Input {
            name: "webhooks", label: "Address", kind: "text", value: &url,
            hint: Some(html! { "It gets a POST after every run of a mapping." }),
            autocomplete: Some("off"), required: true, error, ..Input::default()
        })
        (Input {
            name: "secret", label: "Secret", kind: "password",
            hint: Some(html! { "Deliveries are signed with it (Standard Webhooks). It is never shown again." }),
            autocomplete: Some("off"), error, ..Input::default()
        })
        div.actions { button type="submit" { "Add the webhook" } }
    };
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        h1 { "Settings" }
        div.narrow {
            section.card {
                h2 { "How often" }
                (shell.form("/ui/settings", "stack", &every))
            }
            section.card {
                h2 { "Webhooks" }
                (webhooks(shell, settings))
                h3 { "Add a webhook" }
                (shell.form("/ui/settings/webhooks", "stack", &add))
            }
        }
    };
    Page::new(Here::Settings, "Settings", main)
}

fn webhooks(shell: &Shell, settings: &Settings) -> Markup {
    html! {
        @if settings.webhooks.is_empty() {
            p.detail { "Nobody is told about runs yet." }
        } @else {
            ul.rows {
                @for webhook in &settings.webhooks {
                    li {
                        div {
                            p.wrap { (webhook.url) }
                            p.detail {
                                @if webhook.has_secret { "signed" } @else { "not signed" }
                                @if !webhook.enabled { ", switched off" }
                                @if webhook.managed { ", managed by the configuration" }
                            }
                        }
                        @if !webhook.managed {
                            (shell.button(&format!("/ui/settings/webhooks/{}/delete", webhook.id), "danger",
                                &html! { "Remove" span.unseen { " " (webhook.url) } }))
                        }
                    }
                }
            }
        }
    }
}

/// The page.
pub(crate) async fn show(shell: Shell) -> Answer {
    let settings = shell.web.app.settings().await?;
    Ok(shell.show(&page(&shell, &settings, None, None)))
}

/// Changes the interval.
pub(crate) async fn change(shell: Shell, form: Form) -> Answer {
    let changed = match form.text("interval_seconds").trim().parse() {
        Ok(seconds) => {
            let input = SettingsInput {
                interval_seconds: Some(seconds),
                webhooks: None,
            };
            shell.web.app.change_settings(input).await
        }
        Err(_) => Err(UserError::invalid(
            "interval_seconds",
            "Enter a whole number of seconds, from 60 to 86400.",
        )),
    };
    answer(&shell, &form, changed, "settings-changed").await
}

/// Adds a webhook to those that are there.
pub(crate) async fn add_webhook(shell: Shell, form: Form) -> Answer {
    let mut webhooks = own(&shell).await?;
    webhooks.push(WebhookInput {
        id: None,
        url: form.text("webhooks").trim().to_owned(),
        secret: form.secret("secret"),
        enabled: true,
    });
    let input = SettingsInput {
        interval_seconds: None,
        webhooks: Some(webhooks),
    };
    let changed = shell.web.app.change_settings(input).await;
    answer(&shell, &form, changed, "webhook-added").await
}

/// Removes a webhook.
pub(crate) async fn delete_webhook(shell: Shell, id: aw::Path<String>, form: Form) -> Answer {
    let mut webhooks = own(&shell).await?;
    webhooks.retain(|webhook| webhook.id.as_deref() != Some(id.as_str()));
    let input = SettingsInput {
        interval_seconds: None,
        webhooks: Some(webhooks),
    };
    let changed = shell.web.app.change_settings(input).await;
    answer(&shell, &form, changed, "webhook-removed").await
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

async fn answer(
    shell: &Shell,
    form: &Form,
    changed: Result<Settings, UserError>,
    done: &str,
) -> Answer {
    match changed {
        Ok(_) => Ok(redirect(&shell.web, &format!("/ui/settings?done={done}"))),
        Err(error) => {
            let failure = Failure::from(error);
            let settings = shell.web.app.settings().await?;
            let page = page(shell, &settings, Some(form), Some(&failure.error));
            Ok(shell.show(&page.refused(refused(&failure))))
        }
    }
}
