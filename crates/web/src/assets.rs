//! The style sheet and the icons, at paths that change with their content, so that browsers may keep
//! them for ever.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::routes::{Add, get};

const STYLE: &str = include_str!("../assets/style.css");
const ICON: &str = include_str!("../assets/icon.svg");
const ICON_TROUBLE: &str = include_str!("../assets/icon-trouble.svg");

/// Path of the style sheet under the base path.
pub(crate) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| versioned("style", STYLE, "css"));
/// Path of the icon.
pub(crate) static ICON_PATH: LazyLock<String> = LazyLock::new(|| versioned("icon", ICON, "svg"));
/// Path of the icon when something needs attention.
pub(crate) static ICON_TROUBLE_PATH: LazyLock<String> =
    LazyLock::new(|| versioned("icon-trouble", ICON_TROUBLE, "svg"));

fn versioned(name: &str, content: &str, ending: &str) -> String {
    let version = app::access::fingerprint(content);
    format!("/ui/assets/{name}.{version}.{ending}")
}

/// Their routes.
pub(crate) fn routes(add: Add<'_>) {
    for (path, kind, content) in [
        (&STYLE_PATH, "text/css; charset=utf-8", STYLE),
        (&ICON_PATH, "image/svg+xml", ICON),
        (&ICON_TROUBLE_PATH, "image/svg+xml", ICON_TROUBLE),
    ] {
        add(
            path.as_str(),
            "GET, HEAD",
            vec![get().to(move || async move {
                HttpResponse::Ok()
                    .insert_header((header::CONTENT_TYPE, kind))
                    .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
                    .body(content)
            })],
        );
    }
}
