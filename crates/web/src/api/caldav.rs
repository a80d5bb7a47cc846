//! `/caldav/accounts` and `/caldav/calendars`.

use actix_web::{HttpResponse, web as aw};
use app::records::{CaldavAccount, CaldavStatus, Calendar};
use app::{CaldavAccountInput, CaldavAccountView};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Answer, secret};
use crate::input::{Body, Query};
use crate::web::Web;

/// An account to be added or changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRequest {
    name: Option<String>,
    base_url: Option<String>,
    username: Option<String>,
    #[serde(default, deserialize_with = "secret::optional")]
    password: Option<SecretString>,
}

impl From<AccountRequest> for CaldavAccountInput {
    fn from(request: AccountRequest) -> Self {
        Self {
            name: request.name,
            base_url: request.base_url,
            username: request.username,
            password: request.password,
        }
    }
}

/// An account without its calendars.
#[derive(Serialize)]
pub(crate) struct AccountDto<'a> {
    id: &'a str,
    name: &'a str,
    base_url: &'a str,
    username: &'a str,
    status: CaldavStatus,
}

impl<'a> From<&'a CaldavAccount> for AccountDto<'a> {
    fn from(account: &'a CaldavAccount) -> Self {
        Self {
            id: account.id.as_str(),
            name: &account.name,
            base_url: &account.base_url,
            username: &account.username,
            status: account.status,
        }
    }
}

/// An account with its calendars.
#[derive(Serialize)]
struct AccountWithCalendars<'a> {
    #[serde(flatten)]
    account: AccountDto<'a>,
    calendars: Vec<CalendarDto<'a>>,
}

impl<'a> From<&'a CaldavAccountView> for AccountWithCalendars<'a> {
    fn from(view: &'a CaldavAccountView) -> Self {
        Self {
            account: (&view.account).into(),
            calendars: view.calendars.iter().map(Into::into).collect(),
        }
    }
}

/// CALENDAR.
#[derive(Serialize)]
struct CalendarDto<'a> {
    id: &'a str,
    account_id: &'a str,
    name: &'a str,
    url: &'a str,
    color: Option<&'a str>,
    writable: bool,
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

/// `POST /caldav/accounts`: 201 after a real discovery.
pub(crate) async fn add(web: aw::Data<Web>, body: Body<AccountRequest>) -> Answer {
    let view = web.app.add_caldav_account(body.0.into()).await?;
    Ok(HttpResponse::Created().json(AccountWithCalendars::from(&view)))
}

/// `PATCH /caldav/accounts/{id}`: 200, tested before it is stored.
pub(crate) async fn change(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    body: Body<AccountRequest>,
) -> Answer {
    let view = web.app.change_caldav_account(&id, body.0.into()).await?;
    Ok(HttpResponse::Ok().json(AccountWithCalendars::from(&view)))
}

/// `GET /caldav/accounts`.
pub(crate) async fn accounts(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    let accounts = web.app.caldav_accounts().await?;
    let accounts: Vec<AccountDto<'_>> = accounts.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(json!({ "accounts": accounts })))
}

/// `DELETE /caldav/accounts/{id}`: 204.
pub(crate) async fn delete(web: aw::Data<Web>, id: aw::Path<String>) -> Answer {
    web.app.delete_caldav_account(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /caldav/calendars`, freshly discovered.
pub(crate) async fn calendars(web: aw::Data<Web>, query: Query) -> Answer {
    let query = query.only(&["account_id"])?;
    let calendars = web.app.caldav_calendars(query.get("account_id")).await?;
    let calendars: Vec<CalendarDto<'_>> = calendars.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(json!({ "calendars": calendars })))
}
