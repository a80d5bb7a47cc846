//! The page for an error that belongs to no form.

use actix_web::{HttpRequest, HttpResponse, web as aw};
use maud::html;

use super::shell::{Here, Page, Shell};
use crate::failure::Failure;
use crate::web::Web;

/// What happened and what to do, with its status.
pub(crate) fn page(web: &Web, asked: &HttpRequest, failure: &Failure) -> HttpResponse {
    let Some(data) = asked.app_data::<aw::Data<Web>>() else {
        return actix_web::ResponseError::error_response(failure);
    };
    let shell = Shell::of(data, asked);
    let error = &failure.error;
    let main = html! {
        div.narrow {
            h1 { (error.title) }
            section.card {
                p { (error.detail) }
                p { strong { "What to do: " } (error.action) }
                @if shell.is_in() {
                    p { a.button href=(web.path("/ui/")) { "To the dashboard" } }
                }
            }
        }
    };
    let mut page = Page::new(Here::Elsewhere, error.title.clone(), main);
    page.status = failure.status;
    page.trouble = true;
    shell.show(&page)
}

/// The same when no request is left to know the visitor by: nothing but the words.
pub(crate) fn bare(failure: &Failure) -> HttpResponse {
    let error = &failure.error;
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Error: " (error.title) } }
            body {
                main {
                    h1 { (error.title) }
                    p { (error.detail) }
                    p { strong { "What to do: " } (error.action) }
                }
            }
        }
    };
    HttpResponse::build(failure.status)
        .content_type("text/html; charset=utf-8")
        .body(page.into_string())
}
