//! `/webhooks/{id}`: deliveries and what people do about them. Which webhooks there are is a matter
//! of `/settings`.

use actix_web::{HttpResponse, web as aw};
use app::records::{Delivery, DeliveryState};
use app::{UserError, WebhookState, WebhookView};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sync_engine::model::RunId;
use sync_engine::model::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::input::{Limit, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// A webhook; its secret is never shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookDto<'a> {
    id: &'a str,
    url: &'a str,
    enabled: bool,
    /// Whether deliveries are signed.
    has_secret: bool,
    /// Declared in the environment or in `config.yaml`: not changeable here.
    managed: bool,
    health: HealthDto<'a>,
}

/// How a webhook fares.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookHealth)]
struct HealthDto<'a> {
    #[schema(value_type = words::WebhookState)]
    state: WebhookState,
    /// Why the last attempt failed.
    #[schema(required)]
    error: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    failing_since: Option<Timestamp>,
    /// When it was switched off because it kept failing.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    disabled_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_delivered_at: Option<Timestamp>,
    /// Messages that wait.
    waiting: u64,
}

impl<'a> From<&'a WebhookView> for WebhookDto<'a> {
    fn from(webhook: &'a WebhookView) -> Self {
        let health = &webhook.health;
        Self {
            id: &webhook.id,
            url: &webhook.url,
            enabled: webhook.enabled,
            has_secret: webhook.has_secret,
            managed: webhook.managed,
            health: HealthDto {
                state: webhook.state(),
                error: health.error.as_deref(),
                failing_since: health.failing_since,
                disabled_at: health.stopped_at,
                last_delivered_at: health.delivered_at,
                waiting: health.waiting,
            },
        }
    }
}

/// A message to a webhook and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryDto<'a> {
    /// `webhook-id`, the same at every attempt.
    id: &'a str,
    /// The run it tells of; null for a test.
    #[schema(required)]
    run_id: Option<&'a str>,
    #[schema(value_type = words::DeliveryStatus)]
    status: DeliveryState,
    attempts: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    delivered_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[schema(required)]
    error: Option<&'a str>,
}

impl<'a> From<&'a Delivery> for DeliveryDto<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: &delivery.id,
            run_id: delivery.run.as_ref().map(RunId::as_str),
            status: delivery.state,
            attempts: delivery.attempts,
            created_at: delivery.created_at,
            last_attempt_at: delivery.tried_at,
            next_attempt_at: delivery.next_at,
            delivered_at: delivery.delivered_at,
            error: delivery.error.as_deref(),
        }
    }
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
#[schema(as = Deliveries)]
struct PageDto<'a> {
    deliveries: Vec<DeliveryDto<'a>>,
    /// `before` of the next page; null on the last.
    #[schema(required)]
    next: Option<&'a str>,
}

/// A secret that was made just now.
#[derive(Serialize, ToSchema)]
#[schema(as = NewWebhookSecret)]
struct SecretDto<'a> {
    /// Never shown again.
    secret: &'a str,
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// A delivery's id: those older than it.
    before: Option<String>,
}

/// Messages to a webhook, newest first.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", params(("id" = String, Path), Which),
    responses((status = 200, description = "A page of deliveries.", body = PageDto<'_>)))]
pub(crate) async fn deliveries(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    query: Params<Which>,
) -> Answer {
    let (limit, before) = (query.0.limit.0, query.0.before);
    let page = web.app.deliveries(&id, limit, before.as_deref()).await?;
    Ok(HttpResponse::Ok().json(PageDto {
        deliveries: page.deliveries.iter().map(Into::into).collect(),
        next: page.next.as_deref(),
    }))
}

/// Sends a message again at once, with the id it had.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/replay",
    params(("id" = String, Path), ("delivery" = String, Path)),
    responses((status = 200, description = "What came of it.", body = DeliveryDto<'_>)))]
pub(crate) async fn replay(
    web: aw::Data<Web>,
    path: aw::Path<(String, String)>,
    _: Params<Nothing>,
) -> Answer {
    let (id, delivery) = path.into_inner();
    let delivery = web.app.replay_delivery(&id, &delivery).await?;
    Ok(HttpResponse::Ok().json(DeliveryDto::from(&delivery)))
}

/// Sends a test message at once, whether the webhook is on or off.
#[utoipa::path(post, path = "/webhooks/{id}/test", params(("id" = String, Path)),
    responses((status = 200, description = "What came of it.", body = DeliveryDto<'_>)))]
pub(crate) async fn test(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    let delivery = web.app.test_webhook(&id).await?;
    Ok(HttpResponse::Ok().json(DeliveryDto::from(&delivery)))
}

/// Switches a webhook on, or on again after it kept failing.
///
/// What waits is sent.
#[utoipa::path(post, path = "/webhooks/{id}/enable", params(("id" = String, Path)), responses(
    (status = 200, description = "The webhook.", body = WebhookDto<'_>),
    (status = 409, description = "`managed`: the configuration switched it off."),
))]
pub(crate) async fn enable(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    web.app.enable_webhook(&id).await?;
    let webhooks = web.app.settings().await?.webhooks;
    let found = webhooks.iter().find(|webhook| webhook.id == *id);
    let found = found.ok_or_else(|| UserError::not_found("webhook", &id))?;
    Ok(HttpResponse::Ok().json(WebhookDto::from(found)))
}

/// Makes a new secret for a webhook.
///
/// The one it had goes on signing beside it for a day.
#[utoipa::path(post, path = "/webhooks/{id}/secret", params(("id" = String, Path)), responses(
    (status = 201, description = "The secret: shown this once.", body = SecretDto<'_>),
    (status = 409, description = "`managed`: the configuration declares it."),
))]
pub(crate) async fn new_secret(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
) -> Answer {
    let secret = web.app.new_webhook_secret(&id).await?;
    Ok(HttpResponse::Created().json(SecretDto {
        secret: secret.expose_secret(),
    }))
}
