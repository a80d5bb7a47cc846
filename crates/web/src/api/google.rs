//! `/google/accounts` and `/google/calendars`. Accounts are added by signing in (`pages::oauth`).

use actix_web::{HttpResponse, web as aw};
use app::records::{Calendar, GoogleAccount, GoogleStatus};
use serde::Serialize;
use serde_json::json;

use super::Answer;
use crate::input::Query;
use crate::web::Web;

/// An account.
#[derive(Serialize)]
pub(crate) struct AccountDto<'a> {
    id: &'a str,
    email: &'a str,
    status: GoogleStatus,
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
#[derive(Serialize)]
struct CalendarDto<'a> {
    id: &'a str,
    account_id: &'a str,
    name: &'a str,
    color: Option<&'a str>,
    time_zone: Option<&'a str>,
    access_role: Option<&'a str>,
    writable: bool,
    primary: bool,
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

/// `GET /google/accounts`.
pub(crate) async fn accounts(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    let accounts = web.app.google_accounts().await?;
    let accounts: Vec<AccountDto<'_>> = accounts.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(json!({ "accounts": accounts })))
}

/// `DELETE /google/accounts/{id}`: 204, the grant is revoked at Google.
pub(crate) async fn delete(web: aw::Data<Web>, id: aw::Path<String>) -> Answer {
    web.app.delete_google_account(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /google/calendars`, freshly asked for.
pub(crate) async fn calendars(web: aw::Data<Web>, query: Query) -> Answer {
    let query = query.only(&["account_id"])?;
    let calendars = web.app.google_calendars(query.get("account_id")).await?;
    let calendars: Vec<CalendarDto<'_>> = calendars.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(json!({ "calendars": calendars })))
}
