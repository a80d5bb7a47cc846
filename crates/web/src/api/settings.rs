//! `/settings`.

use actix_web::{HttpResponse, web as aw};
use app::{Settings, SettingsInput, WebhookInput};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, secret};
use crate::input::{Body, Query};
use crate::web::Web;

/// A change: what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsRequest {
    interval_seconds: Option<u64>,
    webhooks: Option<Vec<WebhookRequest>>,
}

/// A webhook as `GET` shows it, or a new one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookRequest {
    id: Option<String>,
    url: String,
    #[serde(default, deserialize_with = "secret::optional")]
    secret: Option<SecretString>,
    #[serde(default = "yes")]
    enabled: bool,
    /// As `GET` shows it; taken and not looked at, so that its answer can be sent back.
    #[serde(default, rename = "has_secret")]
    _has_secret: bool,
    /// Those declared elsewhere are not changed here.
    #[serde(default)]
    managed: bool,
}

fn yes() -> bool {
    true
}

/// `GET /settings`.
pub(crate) async fn read(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    Ok(HttpResponse::Ok().json(shown(&web.app.settings().await?)))
}

/// `PUT /settings`: replaces the keys given.
pub(crate) async fn change(web: aw::Data<Web>, body: Body<SettingsRequest>) -> Answer {
    let input = SettingsInput {
        interval_seconds: body.0.interval_seconds,
        webhooks: body.0.webhooks.map(|webhooks| {
            webhooks
                .into_iter()
                .filter(|webhook| !webhook.managed)
                .map(|webhook| WebhookInput {
                    id: webhook.id,
                    url: webhook.url,
                    secret: webhook.secret,
                    enabled: webhook.enabled,
                })
                .collect()
        }),
    };
    let settings = web.app.change_settings(input).await?;
    Ok(HttpResponse::Ok().json(shown(&settings)))
}

fn shown(settings: &Settings) -> Value {
    let webhooks: Vec<Value> = settings
        .webhooks
        .iter()
        .map(|webhook| {
            json!({
                "id": webhook.id,
                "url": webhook.url,
                "enabled": webhook.enabled,
                "has_secret": webhook.has_secret,
                "managed": webhook.managed,
            })
        })
        .collect();
    json!({
        "interval_seconds": settings.interval_seconds,
        "webhooks": webhooks,
    })
}
