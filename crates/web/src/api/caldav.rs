//! `/caldav/accounts` and `/caldav/calendars`.

use actix_web::{HttpResponse, web as aw};
use app::records::{CaldavAccount, CaldavStatus, Calendar};
use app::{CaldavAccountInput, CaldavAccountView, is_in_clear};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_engine::model::Side;
use utoipa::{IntoParams, ToSchema};

use super::present::present;
use super::{Answer, secret};
use crate::input::{Body, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// An account to be added (all but the name is needed) or changed (what is left out stays).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CaldavAccountRequest)]
pub(crate) struct AccountRequest {
    /// What people call it; made from the address when it is added without.
    name: Option<String>,
    /// The address: a server, a principal, a home or one calendar.
    #[schema(example = "https://dav.example.org")]
    base_url: Option<String>,
    /// Who signs in.
    #[schema(example = "ada")]
    username: Option<String>,
    /// Needed again when the address changes. Never shown.
    #[serde(default, deserialize_with = "secret::optional")]
    #[schema(value_type = Option<String>, write_only, example = "an app password")]
    password: Option<SecretString>,
    /// SHA-256 fingerprint of the one certificate that the server may show, whoever signed it; null
    /// or empty: one that this machine trusts. It is for the host and port of the address: when those
    /// change without it, it is forgotten.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = json!(null))]
    #[expect(
        clippy::option_option,
        reason = "a member that is null takes a value away, one that is missing leaves it"
    )]
    trusted_fingerprint: Option<Option<String>>,
}

impl From<AccountRequest> for CaldavAccountInput {
    fn from(request: AccountRequest) -> Self {
        Self {
            name: request.name,
            base_url: request.base_url,
            username: request.username,
            password: request.password,
            trusted_fingerprint: request.trusted_fingerprint.map(Option::unwrap_or_default),
        }
    }
}

/// An account with its calendars.
#[derive(Serialize, ToSchema)]
#[schema(as = CaldavAccount)]
struct AccountDto<'a> {
    id: &'a str,
    name: &'a str,
    base_url: &'a str,
    username: &'a str,
    #[schema(value_type = words::CaldavStatus)]
    status: CaldavStatus,
    /// Declared in `config.yaml`: not changeable here.
    managed: bool,
    /// The one certificate that the server may show, `AA:BB:…`; left out when this machine's trust
    /// store decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_fingerprint: Option<&'a str>,
    /// Those for events, as last seen.
    calendars: Vec<CalendarDto<'a>>,
    /// What somebody should know although the account works; left out when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<AccountWarning>>,
}

/// What somebody should know about an account.
#[derive(Serialize, ToSchema)]
struct AccountWarning {
    code: &'static str,
    detail: &'static str,
}

/// The password can be read on the way.
pub(crate) const IN_CLEAR: &str = "The password travels in clear: everybody on the way can read it. \
     Use an https address.";

impl<'a> AccountDto<'a> {
    fn new(account: &'a CaldavAccount, calendars: impl Iterator<Item = &'a Calendar>) -> Self {
        Self {
            id: account.id.as_str(),
            name: &account.name,
            base_url: &account.base_url,
            username: &account.username,
            status: account.status,
            managed: account.managed,
            trusted_fingerprint: account.trusted_fingerprint.as_deref(),
            calendars: calendars.map(Into::into).collect(),
            warnings: is_in_clear(account).then(|| {
                vec![AccountWarning {
                    code: "password_in_clear",
                    detail: IN_CLEAR,
                }]
            }),
        }
    }
}

impl<'a> From<&'a CaldavAccountView> for AccountDto<'a> {
    fn from(view: &'a CaldavAccountView) -> Self {
        Self::new(&view.account, view.calendars.iter())
    }
}

/// All accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = CaldavAccounts)]
struct AccountsDto<'a> {
    accounts: Vec<AccountDto<'a>>,
}

/// CALENDAR.
#[derive(Serialize, ToSchema)]
#[schema(as = CaldavCalendar)]
struct CalendarDto<'a> {
    id: &'a str,
    account_id: &'a str,
    name: &'a str,
    /// The collection's address.
    url: &'a str,
    /// `#rrggbb`.
    #[schema(required)]
    color: Option<&'a str>,
    writable: bool,
}

/// Calendars.
#[derive(Serialize, ToSchema)]
#[schema(as = CaldavCalendars)]
struct CalendarsDto<'a> {
    calendars: Vec<CalendarDto<'a>>,
}

/// Whose calendars.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Only this account's.
    pub(super) account_id: Option<String>,
}

impl<'a> From<&'a Calendar> for CalendarDto<'a> {
    fn from(calendar: &'a Calendar) -> Self {
        Self {
            id: &calendar.id,
            account_id: calendar.account.as_str(),
            name: &calendar.facts.name,
            url: &calendar.facts.remote,
            color: calendar.facts.color.as_deref(),
            writable: calendar.facts.writable,
        }
    }
}

/// Adds an account.
///
/// After a real discovery: nothing is stored unless the sign-in works and there are calendars.
#[utoipa::path(post, path = "/caldav/accounts", request_body = AccountRequest, responses(
    (status = 201, description = "The account and its calendars.", body = AccountDto<'_>),
    (status = 409, description = "`already_exists`: this user at this address was added before; `id` says which."),
    (status = 422, description = "`invalid`, `caldav_unauthorized`, `caldav_unreachable`, `caldav_not_found` or another `caldav_…`: the account does not work. Where the server's certificate is the reason, `fingerprint` is its SHA-256, and `trusted_fingerprint` the one that was trusted."),
))]
pub(crate) async fn add(
    web: aw::Data<Web>,
    _: Params<Nothing>,
    body: Body<AccountRequest>,
) -> Answer {
    let view = web.app.add_caldav_account(body.0.into()).await?;
    Ok(HttpResponse::Created().json(AccountDto::from(&view)))
}

/// Changes an account.
///
/// Tested before it is stored; its mappings are kept. What is left out stays.
#[utoipa::path(patch, path = "/caldav/accounts/{id}", params(("id" = String, Path)),
    request_body = AccountRequest, responses(
    (status = 200, description = "The account and its calendars.", body = AccountDto<'_>),
    (status = 409, description = "`already_exists`: another account is this user at this address. `managed`: `config.yaml` declares it."),
    (status = 422, description = "`invalid`, `caldav_unauthorized`, `caldav_unreachable`, `caldav_not_found` or another `caldav_…`: the account would not work. `fingerprint` and `trusted_fingerprint` as when it is added."),
))]
pub(crate) async fn change(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
    body: Body<AccountRequest>,
) -> Answer {
    let view = web.app.change_caldav_account(&id, body.0.into()).await?;
    Ok(HttpResponse::Ok().json(AccountDto::from(&view)))
}

/// All accounts.
#[utoipa::path(get, path = "/caldav/accounts",
    responses((status = 200, description = "The accounts.", body = AccountsDto<'_>)))]
pub(crate) async fn accounts(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let accounts = web.app.caldav_accounts().await?;
    let calendars = web.app.known_calendars(Side::Caldav, None).await?;
    let accounts = accounts.iter().map(|account| {
        let its = |calendar: &&Calendar| calendar.account == account.id;
        AccountDto::new(account, calendars.iter().filter(its))
    });
    Ok(HttpResponse::Ok().json(AccountsDto {
        accounts: accounts.collect(),
    }))
}

/// Removes an account that no mapping uses.
#[utoipa::path(delete, path = "/caldav/accounts/{id}", params(("id" = String, Path)), responses(
    (status = 204, description = "It is gone."),
    (status = 409, description = "`account_in_use`; `mapping_ids` says by which. `managed`: `config.yaml` declares it."),
))]
pub(crate) async fn delete(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    web.app.delete_caldav_account(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Calendars, freshly discovered.
#[utoipa::path(get, path = "/caldav/calendars", params(Whose), responses(
    (status = 200, description = "The calendars. Without `account_id`, those of an account that does not work are as last seen.", body = CalendarsDto<'_>),
    (status = 404, description = "`not_found`: there is no such account."),
    (status = 422, description = "`invalid`, `caldav_unauthorized`, `caldav_unreachable`, `caldav_not_found` or another `caldav_…`: the account that was named does not work. `fingerprint` and `trusted_fingerprint` as when it is added."),
))]
pub(crate) async fn calendars(web: aw::Data<Web>, query: Params<Whose>) -> Answer {
    let calendars = web
        .app
        .caldav_calendars(query.0.account_id.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(CalendarsDto {
        calendars: calendars.iter().map(Into::into).collect(),
    }))
}
