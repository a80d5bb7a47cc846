//! The events of a mapping that are left as they are, each with its reason.

use actix_web::web as aw;
use maud::html;

use crate::pages::shell::{Here, Page, Shell};
use crate::pages::widgets::joined;
use crate::pages::{Answer, words};

/// Events shown.
const SHOWN: u32 = 500;

/// The list.
pub(crate) async fn attention(shell: Shell, id: aw::Path<String>) -> Answer {
    let app = &shell.web.app;
    let mapping = app.mapping(&id).await?;
    let left = app.left(&id, SHOWN).await?;
    let now = app.now();
    let main = html! {
        p.crumb { a href=(shell.at("/ui/mappings")) { "Mappings" } }
        h1 { "Events that need attention" }
        p.lead.pair { (joined(&mapping)) }
        @if left.is_empty() {
            p.notice.good { "None: every event is in step." }
        } @else {
            p { "These are left as they are on both sides. All others go on." }
            ul.events {
                @for event in &left {
                    li.failed {
                        p.what { strong { (event.uid.as_str()) } }
                        p.fault { (event.detail) }
                        p.detail {
                            @match event.side {
                                Some(side) => {
                                    "on " (words::side(side)) ", where it is read again when it changes: open it "
                                    "in the program it comes from and save it again"
                                }
                                None => { "could not be written" }
                            }
                            @if let Some(since) = event.since { " · since " (words::moment(since, now)) }
                            @if let Some(next) = event.next_attempt { " · tried again " (words::moment(next, now)) }
                        }
                    }
                }
            }
            @if left.len() >= SHOWN as usize { p.detail { "These are the first " (SHOWN) "." } }
        }
        div.actions {
            a.button href={ (shell.at("/ui/mappings/")) (*id) } { "Edit the mapping" }
        }
    };
    Ok(shell.show(&Page::new(
        Here::Mappings,
        "Events that need attention",
        main,
    )))
}
