//! What pages say about `config.yaml`: what it manages, what it declares and cannot be had yet, what
//! is wrong with the file.

use app::{FileState, Pending, PendingKind};
use maud::{Markup, html};

use super::shell::Shell;
use super::widgets::{badge, trouble};

/// In place of a form, or of buttons.
pub(super) fn managed() -> Markup {
    html! {
        p.detail { "Managed by config.yaml. Change it in that file: the program takes it over within seconds." }
    }
}

/// What is declared and waits, a card each.
pub(super) fn waiting(shell: &Shell, what: Option<PendingKind>) -> Markup {
    let mut pending = shell.web.app.pending();
    pending.retain(|one| what.is_none_or(|what| one.what == what));
    html! {
        @if !pending.is_empty() {
            h2 { "Waiting, from config.yaml" }
            div.cards {
                @for one in &pending { (card(shell, one)) }
            }
        }
    }
}

fn card(shell: &Shell, one: &Pending) -> Markup {
    let kind = match one.what {
        PendingKind::Account => "CalDAV account",
        PendingKind::Mapping => "Mapping",
    };
    html! {
        article.card {
            div.title {
                h3 { (kind) " " (one.name) }
                (badge("warn", "Waiting"))
            }
            p { (one.detail) }
            p { strong { "What to do: " } (one.action) }
            @if one.code == "google_account_missing" {
                p { a.button href=(shell.at("/ui/google")) { "Google accounts" } }
            }
        }
    }
}

/// A file that changed and cannot be used.
pub(super) fn wrong(state: &FileState) -> Markup {
    html! {
        @if let Some(error) = &state.error {
            (trouble(
                "config.yaml changed and cannot be used. What it said before stays in force.",
                "Correct the file: it is looked at again by itself.",
                &html! { pre.wrap { (error) } },
            ))
        }
    }
}

/// Where the file is, what is wrong with it, what of it waits for a restart.
pub(super) fn file(state: &FileState) -> Markup {
    html! {
        @if let Some(path) = &state.path {
            p { code { (path) } " is in force over what is set in the pages; the environment is over both." }
        } @else {
            p.detail { "There is none. Everything is set in the pages or in the environment." }
        }
        (wrong(state))
        @if !state.at_restart.is_empty() {
            p { "Changed, and in force after a restart: " (state.at_restart.join(", ")) "." }
        }
        @if !state.values.is_empty() {
            details {
                summary { "Every value from outside the pages" }
                div.table {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Name" }
                                th scope="col" { "Value" }
                                th scope="col" { "Comes from" }
                            }
                        }
                        tbody {
                            @for value in &state.values {
                                tr {
                                    td.wrap data-label="Name" { code { (value.name) } }
                                    td.wrap data-label="Value" { (value.value) }
                                    td.wrap data-label="Comes from" { (value.origin) }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.detail { code { "caldav-sync config check" } " shows the same in a terminal." }
    }
}
