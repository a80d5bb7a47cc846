//! What surrounds every page: head, navigation, messages, and the token that its forms carry.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::{StatusCode, header};
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, dev::Payload, web as aw,
};
use app::records::KeyScope;
use app::{PERMISSIONS, Waiting};
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
    Conflicts,
    Held,
    Runs,
    Settings,
    /// None of them.
    Elsewhere,
}

const PLACES: [(Here, &str, &str); 8] = [
    (Here::Dashboard, "/ui/", "Dashboard"),
    (Here::Mappings, "/ui/mappings", "Mappings"),
    (Here::Conflicts, "/ui/conflicts", "Conflicts"),
    (Here::Held, "/ui/held", "Held back"),
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
    /// What waits for a person's word, for the navigation.
    waiting: Waiting,
}

impl FromRequest for Shell {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let web = request.app_data::<aw::Data<Web>>().cloned();
        let access = request.extensions().get::<Access>().cloned();
        let done = url::form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == "done")
            .map(|(_, code)| code.into_owned());
        Box::pin(async move {
            let web = web.ok_or_else(Failure::no_such_path)?;
            let access = access.unwrap_or(Access::Anybody);
            // Strangers are told nothing.
            let waiting = match &access {
                Access::Anybody => Waiting::default(),
                _ => web.app.waiting().await?,
            };
            Ok(Self {
                web,
                access,
                done,
                waiting,
            })
        })
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
            waiting: Waiting::default(),
        }
    }

    /// How much waits at a place of the site.
    fn waiting_at(&self, place: Here) -> usize {
        match place {
            Here::Conflicts => self.waiting.conflicts,
            Here::Held => self.waiting.held,
            Here::Settings => self.waiting.webhooks,
            _ => 0,
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
            Access::Local | Access::Forwarded => &self.web.common_csrf,
            Access::Key(_) | Access::Anybody => "",
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
                    (self.banner())
                    main #main tabindex="-1" {
                        @if self.done.as_deref() == Some(NOT_REVOKED) {
                            p.notice.warn role="status" {
                                "The account was removed here, but Google could not be told. \
                                 Withdraw the access there: "
                                a href=(PERMISSIONS) rel="noreferrer" { (PERMISSIONS) }
                            }
                        } @else if let Some(text) = self.done.as_deref().and_then(message) {
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
                                            (count(self.waiting_at(place)))
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

    /// What visitors should know about who else may come in, and as what they are here themselves.
    fn banner(&self) -> Markup {
        let config = &self.web.config;
        let limited = match &self.access {
            Access::Session(session) if session.grant.scope == KeyScope::Read => Some(
                "You signed in with a key that may only look: buttons that change something are refused.",
            ),
            Access::Session(session) if session.grant.scope == KeyScope::Sync => Some(
                "You signed in with a key that may look and start runs: other changes are refused.",
            ),
            _ => None,
        };
        let lines = [
            self.web.rules().local_in_force().then(|| html! {
                "No key is asked for on the computer that runs caldav-sync. "
                code { "LOCAL_ACCESS=off" } " changes that."
            }),
            self.web.local_has_ended().then(|| html! {
                "A request came through a proxy on this computer: until the next start every request \
                 needs the key. Set " code { "BASE_URL" } " to the address the proxy is reached at."
            }),
            config.in_clear().then(|| html! {
                "This page came by plain http: whoever is on the way can read along. Put caldav-sync \
                 behind https and set " code { "BASE_URL" } "."
            }),
            limited.map(|text| html! { (text) }),
        ];
        let lines: Vec<Markup> = lines.into_iter().flatten().collect();
        html! {
            @if self.is_in() && !lines.is_empty() {
                aside.local aria-label="Access" { @for line in &lines { p { (line) } } }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer.bottom {
                @if self.is_in() {
                    p {
                        "caldav-sync " (self.web.app.config().version) " · all times in UTC · "
                        a href=(self.at("/ui/api")) { "API" }
                    }
                }
            }
        }
    }
}

/// How much waits, beside a name in the navigation.
fn count(waiting: usize) -> Markup {
    html! {
        @if waiting > 0 {
            " "
            span.count {
                @if waiting > 99 { "99+" } @else { (waiting) }
                span.unseen { " waiting for you" }
            }
        }
    }
}

/// The message after which a person has something left to do at Google.
const NOT_REVOKED: &str = "account-not-revoked";

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
        "decided" => "Done: the calendars show what you chose.",
        "deciding" => "What you chose is being carried out. Reload the page to see it done.",
        "decided-failed" => {
            "What you chose is on record, but the run has ended with errors. See below what to do."
        }
        "cleaned" => "The copies were removed.",
        "undone" => "The run was taken back.",
        "not-all" => "Not everything could be done. See below what failed and why.",
        "working" => "It is under way. Reload the page to see how it went.",
        "sync-failed" => "The run has ended with errors. See below what to do.",
        "syncing" => "The sync is under way. Reload the page to see how it went.",
        "settings-changed" => "The settings were saved.",
        "webhook-added" => "The webhook was added.",
        "webhook-changed" => "The webhook was saved.",
        "webhook-removed" => "The webhook was removed.",
        "webhook-on" => "The webhook is on. What waited is being sent.",
        "webhook-off" => "The webhook is off.",
        "delivered" => "It was delivered.",
        "not-delivered" => "It was not delivered. See below why.",
        "key-revoked" => "The key was revoked.",
        "session-ended" => "The browser was signed out.",
        "sessions-ended" => "All other browsers were signed out.",
        "signed-out" => "You are signed out.",
        _ => return None,
    })
}
