//! What surrounds every page: head, navigation, messages, and the token that its forms carry.

use std::future::{Ready, ready};

use actix_web::http::{StatusCode, header};
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, dev::Payload, web as aw,
};
use maud::{DOCTYPE, Markup, html};

use crate::access::Access;
use crate::assets::{ICON_PATH, ICON_TROUBLE_PATH, STYLE_PATH};
use crate::failure::Failure;
use crate::input::Form;
use crate::web::Web;

/// The part of the site a page belongs to, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Dashboard,
    Caldav,
    Google,
    Mappings,
    Runs,
    Settings,
    /// None of them.
    Elsewhere,
}

const PLACES: [(Here, &str, &str); 6] = [
    (Here::Dashboard, "/ui/", "Dashboard"),
    (Here::Mappings, "/ui/mappings", "Mappings"),
    (Here::Caldav, "/ui/caldav", "CalDAV"),
    (Here::Google, "/ui/google", "Google"),
    (Here::Runs, "/ui/runs", "Runs"),
    (Here::Settings, "/ui/settings", "Settings"),
];

/// What a page needs to know about its visitor.
pub(crate) struct Shell {
    pub(crate) web: aw::Data<Web>,
    access: Access,
    /// Code of the message that the page before left, see [`message`].
    done: Option<String>,
}

impl FromRequest for Shell {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(web) = request.app_data::<aw::Data<Web>>().cloned() else {
            return ready(Err(Failure::no_such_path()));
        };
        let access = request.extensions().get::<Access>().cloned();
        ready(Ok(Self {
            web,
            access: access.unwrap_or(Access::Anybody),
            done: url::form_urlencoded::parse(request.query_string().as_bytes())
                .find(|(name, _)| name == "done")
                .map(|(_, code)| code.into_owned()),
        }))
    }
}

/// A page about to be shown.
pub(crate) struct Page {
    pub(crate) here: Here,
    pub(crate) title: String,
    /// Something needs attention: the icon says so too.
    pub(crate) trouble: bool,
    pub(crate) status: StatusCode,
    pub(crate) main: Markup,
}

impl Page {
    pub(crate) fn new(here: Here, title: impl Into<String>, main: Markup) -> Self {
        Self {
            here,
            title: title.into(),
            trouble: false,
            status: StatusCode::OK,
            main,
        }
    }

    /// The same page after a form that was not accepted.
    pub(crate) fn refused(self, status: StatusCode) -> Self {
        Self {
            title: format!("Error: {}", self.title),
            trouble: true,
            status,
            ..self
        }
    }
}

impl Shell {
    /// For pages that are made outside of a handler.
    pub(crate) fn of(web: &aw::Data<Web>, request: &HttpRequest) -> Self {
        Self {
            web: web.clone(),
            access: request
                .extensions()
                .get::<Access>()
                .cloned()
                .unwrap_or(Access::Anybody),
            done: None,
        }
    }

    /// A path of ours, for links.
    pub(crate) fn at(&self, path: &str) -> String {
        self.web.path(path)
    }

    /// Whether the visitor may see more than the sign-in.
    pub(crate) fn is_in(&self) -> bool {
        !matches!(self.access, Access::Anybody)
    }

    /// The session's visitor, if there is one.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    fn token(&self) -> &str {
        match &self.access {
            Access::Session(session) => &session.csrf,
            Access::Local => &self.web.local_csrf,
            Access::Key | Access::Anybody => "",
        }
    }

    /// A form that posts to a path of ours, with its token.
    pub(crate) fn form(&self, action: &str, class: &str, fields: &Markup) -> Markup {
        html! {
            form method="post" action=(self.at(action)) class=(class) {
                input type="hidden" name=(Form::TOKEN) value=(self.token());
                (fields)
            }
        }
    }

    /// A button that posts to a path of ours.
    pub(crate) fn button(&self, action: &str, class: &str, label: &Markup) -> Markup {
        let button = html! { button type="submit" class=(class) { (label) } };
        self.form(action, "inline", &button)
    }

    /// The whole document.
    pub(crate) fn show(&self, page: &Page) -> HttpResponse {
        let icon = if page.trouble {
            &ICON_TROUBLE_PATH
        } else {
            &ICON_PATH
        };
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (page.title) " – caldav-sync" }
                    meta name="color-scheme" content="light dark";
                    meta name="theme-color" content="#f6f7f9" media="(prefers-color-scheme: light)";
                    meta name="theme-color" content="#11151b" media="(prefers-color-scheme: dark)";
                    meta name="description" content="Keeps CalDAV calendars and Google Calendar in step.";
                    link rel="icon" type="image/svg+xml" href=(self.at(icon));
                    link rel="stylesheet" href=(self.at(&STYLE_PATH));
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    (self.header(page.here))
                    @if matches!(self.access, Access::Local) {
                        aside.local aria-label="Access" {
                            p {
                                "No key is asked for on the computer that runs caldav-sync. "
                                code { "LOCAL_ACCESS=off" } " changes that."
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @if let Some(text) = self.done.as_deref().and_then(message) {
                            p.notice.good role="status" { (text) }
                        }
                        (page.main)
                    }
                    (self.footer())
                }
            }
        };
        HttpResponse::build(page.status)
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            // Pages hold tokens beside what others wrote: compressed, their length would tell.
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .body(document.into_string())
    }

    fn header(&self, here: Here) -> Markup {
        html! {
            header.top {
                div.bar {
                    a.brand href=(self.at("/ui/")) {
                        (super::widgets::logo())
                        "caldav-sync"
                    }
                    @if self.is_in() {
                        nav aria-label="Main" {
                            ul {
                                @for (place, path, label) in PLACES {
                                    li {
                                        a href=(self.at(path)) aria-current=[(place == here).then_some("page")] {
                                            (label)
                                        }
                                    }
                                }
                            }
                        }
                        @if matches!(self.access, Access::Session(_)) {
                            (self.button("/ui/sign-out", "quiet", &html! { "Sign out" }))
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer.bottom {
                @if self.is_in() {
                    p { "caldav-sync " (self.web.app.config().version) " · all times in UTC" }
                }
            }
        }
    }
}

/// What a page says after a redirect. Only these: nobody can put words into a link.
fn message(code: &str) -> Option<&'static str> {
    Some(match code {
        "account-added" => "The account was added.",
        "account-changed" => "The account was saved and works.",
        "account-removed" => "The account was removed.",
        "connected" => "The Google account is connected.",
        "refreshed" => "The list of calendars is fresh.",
        "mapping-added" => "The mapping was made. Its first run begins now.",
        "mapping-paused-added" => "The mapping was made, and is paused.",
        "mapping-changed" => "The mapping was saved.",
        "mapping-removed" => "The mapping was deleted.",
        "mapping-going" => "The copies are being removed; the mapping goes when they are gone.",
        "paused" => "The mapping is paused. Its copies stay as they are.",
        "resumed" => "The mapping is on again.",
        "synced" => "Synced just now.",
        "sync-failed" => "The run has ended with errors. See below what to do.",
        "syncing" => "The sync is under way. Reload the page to see how it went.",
        "settings-changed" => "The settings were saved.",
        "webhook-added" => "The webhook was added.",
        "webhook-removed" => "The webhook was removed.",
        "signed-out" => "You are signed out.",
        _ => return None,
    })
}
