//! The question before an account is removed, the same for both sides.

use actix_web::HttpResponse;
use app::records::Mapping;
use maud::{Markup, html};

use super::shell::{Here, Page, Shell};
use super::{declared, words};

/// An account that somebody wants to remove.
pub(super) struct Removal<'a> {
    /// Where in the site.
    pub(super) here: Here,
    /// The list it stands in.
    pub(super) list: &'a str,
    /// Its id.
    pub(super) id: &'a str,
    /// What people call it.
    pub(super) name: &'a str,
    /// Whether `config.yaml` declares it.
    pub(super) managed: bool,
    /// The mappings that use it.
    pub(super) users: &'a [&'a Mapping],
    /// What removing it does, and what not.
    pub(super) consequence: &'a str,
}

/// Asks; while mappings use the account it says which.
pub(super) fn ask(shell: &Shell, removal: &Removal<'_>) -> HttpResponse {
    let form = html! {
        div.actions {
            button.danger type="submit" { "Remove the account" }
            a.button href=(shell.at(removal.list)) { "Keep it" }
        }
    };
    let title = format!("Remove {}?", removal.name);
    let main = html! {
        div.narrow {
            h1 { (title) }
            section.card {
                @if removal.managed { (declared::managed()) }
                @else { (in_the_way(shell, removal.users)) }
                @if !removal.managed && removal.users.is_empty() {
                    p { (removal.consequence) }
                    (shell.form(&format!("{}/{}/delete", removal.list, removal.id), "", &form))
                }
            }
        }
    };
    shell.show(&Page::new(removal.here, title, main))
}

/// The mappings that stand in the way of an account's removal.
fn in_the_way(shell: &Shell, users: &[&Mapping]) -> Markup {
    html! {
        @if !users.is_empty() {
            p { (words::counted(users.len() as u64, "mapping")) " use this account. Delete them first:" }
            ul {
                @for mapping in users {
                    li { a href={ (shell.at("/ui/mappings/")) (mapping.id.as_str()) "/delete" } { (words::mapping_name(mapping)) } }
                }
            }
        }
    }
}
