//! Settings: how often to sync, how long to remember, whom to tell; and what `config.yaml` says.

use app::{Settings, SettingsInput, UserError};
use maud::html;

use super::caldav::refused;
use super::shell::{Here, Page, Shell};
use super::widgets::{Input, summary};
use super::{Answer, declared, redirect, webhooks, words};
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
    let days = text("history_days", &settings.history_days.to_string());
    let managed = |name: &str| settings.managed.contains(&name);
    let every = html! {
        (Input {
            name: "interval_seconds", label: "Seconds between two rounds", kind: "number",
            value: &interval,
            hint: Some(html! { "From 60 (a minute) to 86400 (a day). 300 is five minutes." }),
            autocomplete: Some("off"), required: true, bounds: Some((60, 86_400)), error,
        })
        div.actions { button.primary type="submit" { "Save" } }
    };
    let history = html! {
        (Input {
            name: "history_days", label: "Days that runs are kept", kind: "number",
            value: &days,
            hint: Some(html! {
                "From 1 to 3650. Their events, what undoing them needs, and decided conflicts go with "
                "them. Of each mapping the last run and the last success always stay."
            }),
            autocomplete: Some("off"), required: true, bounds: Some((1, 3_650)), error,
        })
        div.actions { button.primary type="submit" { "Save" } }
    };
    let url = text("webhooks", "");
    let main = html! {
        @if let Some(error) = error { (summary(error)) }
        h1 { "Settings" }
        div.narrow {
            section.card {
                h2 { "How often" }
                @if managed("interval_seconds") {
                    p { "A round every " (words::counted(settings.interval_seconds, "second")) "." }
                    (declared::managed())
                } @else {
                    (shell.form("/ui/settings", "stack", &every))
                }
            }
            section.card {
                h2 { "History" }
                @if managed("history_days") {
                    p { "Runs are kept for " (words::counted(settings.history_days, "day")) "." }
                    (declared::managed())
                } @else {
                    (shell.form("/ui/settings", "stack", &history))
                }
            }
            section.card {
                h2 { "Webhooks" }
                (webhooks::list(shell, &settings.webhooks))
                h3 { "Add a webhook" }
                (shell.form("/ui/settings/webhooks", "stack", &webhooks::add_form(&url, error)))
            }
            section.card {
                h2 { "config.yaml" }
                (declared::file(&shell.web.app.file()))
            }
            section.card {
                h2 { "Who may come in" }
                p { "API keys for scripts, and the browsers that are signed in." }
                div.actions { a.button href=(shell.at("/ui/settings/access")) { "Keys and sessions" } }
            }
            section.card {
                h2 { "Check everything" }
                p { "Looks at the database, the clock, every server, account and mapped calendar, and says what to do. It changes nothing and may take a minute." }
                p { a.button href=(shell.at("/ui/doctor")) { "Check everything" } }
            }
        }
    };
    Page::new(Here::Settings, "Settings", main)
}

/// The page.
pub(crate) async fn show(shell: Shell) -> Answer {
    let settings = shell.web.app.settings().await?;
    Ok(shell.show(&page(&shell, &settings, None, None)))
}

/// Changes the numbers that the form has.
pub(crate) async fn change(shell: Shell, form: Form) -> Answer {
    let number = |name: &str, wrong: &str| match form.get(name).map(|text| text.trim().parse()) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(UserError::invalid(name, wrong)),
    };
    let interval = number(
        "interval_seconds",
        "Enter a whole number of seconds, from 60 to 86400.",
    );
    let days = number(
        "history_days",
        "Enter a whole number of days, from 1 to 3650.",
    );
    let changed = match (interval, days) {
        (Ok(interval_seconds), Ok(history_days)) => {
            let input = SettingsInput {
                interval_seconds,
                history_days,
                webhooks: None,
            };
            shell.web.app.change_settings(input).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    answer(&shell, &form, changed, "settings-changed").await
}

/// Back to the page, or the page with what is wrong.
pub(super) async fn answer(
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
