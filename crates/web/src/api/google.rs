//! `/google/accounts` and `/google/calendars`. Accounts are added by signing in (`pages::oauth`).

use actix_web::{HttpResponse, web as aw};
use app::records::{Calendar, GoogleAccount, GoogleStatus};
use app::{PERMISSIONS, Revoked};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use super::caldav::Whose;
use crate::input::{Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = GoogleAccount)]
pub(crate) struct AccountDto<'a> {
    id: &'a str,
    email: &'a str,
    #[schema(value_type = words::GoogleStatus)]
    status: GoogleStatus,
}

/// All accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = GoogleAccounts)]
pub(crate) struct AccountsDto<'a> {
    pub(crate) accounts: Vec<AccountDto<'a>>,
}

impl<'a> From<&'a GoogleAccount> for AccountDto<'a> {
    fn from(account: &'a GoogleAccount) -> Self {
        Self {
            id: account.id.as_str(),
            email: &account.email,
            status: account.status,
        }
    }
}

/// A calendar.
#[derive(Serialize, ToSchema)]
#[schema(as = GoogleCalendar)]
struct CalendarDto<'a> {
    id: &'a str,
    account_id: &'a str,
    name: &'a str,
    /// `#rrggbb`.
    #[schema(required)]
    color: Option<&'a str>,
    /// Its IANA zone.
    #[schema(required)]
    time_zone: Option<&'a str>,
    /// Google's `accessRole`.
    #[schema(required)]
    access_role: Option<&'a str>,
    writable: bool,
    /// Whether it is the account's own.
    primary: bool,
}

/// Calendars.
#[derive(Serialize, ToSchema)]
#[schema(as = GoogleCalendars)]
struct CalendarsDto<'a> {
    calendars: Vec<CalendarDto<'a>>,
}

impl<'a> From<&'a Calendar> for CalendarDto<'a> {
    fn from(calendar: &'a Calendar) -> Self {
        Self {
            id: &calendar.id,
            account_id: calendar.account.as_str(),
            name: &calendar.facts.name,
            color: calendar.facts.color.as_deref(),
            time_zone: calendar.facts.time_zone.as_deref(),
            access_role: calendar.facts.access_role.as_deref(),
            writable: calendar.facts.writable,
            primary: calendar.facts.primary,
        }
    }
}

/// An account that was removed.
#[derive(Serialize, ToSchema)]
#[schema(as = GoogleAccountRemoved)]
struct RemovedDto {
    /// What is left to be done by a person.
    warnings: Vec<RemovalWarning>,
}

/// What is left to be done.
#[derive(Serialize, ToSchema)]
struct RemovalWarning {
    #[schema(example = "google_not_revoked")]
    code: &'static str,
    detail: String,
}

/// All accounts.
///
/// One is added by signing in with Google: `/oauth/start`, in a browser.
#[utoipa::path(get, path = "/google/accounts",
    responses((status = 200, description = "The accounts.", body = AccountsDto<'_>)))]
pub(crate) async fn accounts(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let accounts = web.app.google_accounts().await?;
    Ok(HttpResponse::Ok().json(AccountsDto {
        accounts: accounts.iter().map(Into::into).collect(),
    }))
}

/// Removes an account that no mapping uses.
///
/// Its grant is revoked at Google first.
#[utoipa::path(delete, path = "/google/accounts/{id}", params(("id" = String, Path)), responses(
    (status = 200, description = "It is gone, but Google could not be told: the access is to be withdrawn there.", body = RemovedDto),
    (status = 204, description = "It is gone."),
    (status = 409, description = "`account_in_use`; `mapping_ids` says by which."),
))]
pub(crate) async fn delete(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    match web.app.delete_google_account(&id).await? {
        Revoked::Yes => Ok(HttpResponse::NoContent().finish()),
        Revoked::No => Ok(HttpResponse::Ok().json(RemovedDto {
            warnings: vec![RemovalWarning {
                code: "google_not_revoked",
                detail: format!(
                    "The account is gone here, but Google could not be told. Withdraw the access at \
                     {PERMISSIONS}."
                ),
            }],
        })),
    }
}

/// Calendars, freshly asked for.
#[utoipa::path(get, path = "/google/calendars", params(Whose), responses(
    (status = 200, description = "The calendars. Without `account_id`, those of an account that does not work are as last seen.", body = CalendarsDto<'_>),
    (status = 404, description = "`not_found`: there is no such account."),
    (status = 422, description = "`invalid`, `google_not_configured`, `google_needs_sign_in` or another `google_…`: the account that was named does not work."),
))]
pub(crate) async fn calendars(web: aw::Data<Web>, query: Params<Whose>) -> Answer {
    let calendars = web
        .app
        .google_calendars(query.0.account_id.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(CalendarsDto {
        calendars: calendars.iter().map(Into::into).collect(),
    }))
}
