//! `/settings`.

use actix_web::{HttpResponse, web as aw};
use app::{Settings, SettingsInput, UserError, WebhookInput};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::webhooks::WebhookDto;
use super::{Answer, secret};
use crate::input::{Body, Nothing, Params};
use crate::web::Web;

/// The settings.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
struct SettingsDto<'a> {
    interval_seconds: u64,
    /// Days that runs are kept.
    history_days: u64,
    webhooks: Vec<WebhookDto<'a>>,
    /// Names of the settings that `config.yaml` declares: not changeable here.
    managed: &'a [&'static str],
}

/// A change: what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsRequest {
    /// Seconds between two rounds of syncing.
    #[schema(minimum = 60, maximum = 86400, example = 300)]
    interval_seconds: Option<u64>,
    /// Days that runs are kept.
    #[schema(minimum = 1, maximum = 3650, example = 90)]
    history_days: Option<u64>,
    /// All webhooks, in place of those that are there.
    webhooks: Option<Vec<WebhookRequest>>,
    /// As `GET` shows it; taken and not looked at, so that its answer can be sent back.
    #[serde(default)]
    #[expect(dead_code, reason = "what GET shows may be sent back")]
    managed: Vec<String>,
}

/// A webhook as `GET` shows it, or a new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookRequest {
    /// One that is there.
    id: Option<String>,
    #[schema(example = "https://hooks.example.org/calendar")]
    url: String,
    /// With an id, none keeps the one that is there.
    #[serde(default, deserialize_with = "secret::optional")]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<SecretString>,
    #[serde(default = "yes")]
    enabled: bool,
    /// As `GET` shows it; taken and not looked at, so that its answer can be sent back.
    #[serde(default)]
    #[expect(dead_code, reason = "what GET shows may be sent back")]
    has_secret: bool,
    /// The same.
    #[serde(default)]
    #[expect(dead_code, reason = "what GET shows may be sent back")]
    #[schema(value_type = Option<Object>)]
    health: Option<serde_json::Value>,
    /// Those declared elsewhere, which are not changed here: only with the `id` of such a one.
    #[serde(default)]
    managed: bool,
}

fn yes() -> bool {
    true
}

/// The settings.
#[utoipa::path(get, path = "/settings",
    responses((status = 200, description = "The settings.", body = SettingsDto<'_>)))]
pub(crate) async fn read(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    Ok(HttpResponse::Ok().json(shown(&web.app.settings().await?)))
}

/// Replaces the settings that are given.
#[utoipa::path(put, path = "/settings", request_body = SettingsRequest, responses(
    (status = 200, description = "The settings as they are now.", body = SettingsDto<'_>),
    (status = 404, description = "`not_found`: there is no webhook with this id."),
    (status = 409, description = "`managed`: `config.yaml` or the environment declares it. Nothing was changed."),
))]
pub(crate) async fn change(
    web: aw::Data<Web>,
    _: Params<Nothing>,
    body: Body<SettingsRequest>,
) -> Answer {
    let webhooks = match body.0.webhooks {
        Some(webhooks) => Some(own(webhooks, &web.app.settings().await?)?),
        None => None,
    };
    let input = SettingsInput {
        interval_seconds: body.0.interval_seconds,
        history_days: body.0.history_days,
        webhooks,
    };
    let settings = web.app.change_settings(input).await?;
    Ok(HttpResponse::Ok().json(shown(&settings)))
}

/// The webhooks that are changed here. Those that are declared elsewhere are in what `GET` shows, and
/// are sent back with it; one that only says so would be gone.
fn own(webhooks: Vec<WebhookRequest>, stored: &Settings) -> Result<Vec<WebhookInput>, UserError> {
    let mut own = Vec::new();
    for webhook in webhooks {
        if webhook.managed {
            let declared = stored
                .webhooks
                .iter()
                .any(|known| known.managed && webhook.id.as_ref() == Some(&known.id));
            if !declared {
                let fault = "Only what the environment or config.yaml declares is \"managed\". Leave \
                             \"managed\" out, or read the settings again.";
                return Err(UserError::invalid("webhooks", fault));
            }
            continue;
        }
        own.push(WebhookInput {
            id: webhook.id,
            url: webhook.url,
            secret: webhook.secret,
            enabled: webhook.enabled,
        });
    }
    Ok(own)
}

fn shown(settings: &Settings) -> SettingsDto<'_> {
    SettingsDto {
        interval_seconds: settings.interval_seconds,
        history_days: settings.history_days,
        webhooks: settings.webhooks.iter().map(Into::into).collect(),
        managed: &settings.managed,
    }
}
