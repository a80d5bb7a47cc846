//! What every operation shares, so that no handler has to say it: the key, the errors that any
//! request may meet, the form of errors, unique names.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::failure::{PROBLEM, Problem};

/// The name of the security scheme.
const KEY: &str = "key";
/// Operations without a key.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Errors of any request but the probes'.
const ANY: [(&str, &str); 7] = [
    ("400", "`unreadable`: the request cannot be read."),
    (
        "401",
        "`unauthorized`: there is no key, or it is not valid.",
    ),
    (
        "403",
        "`key_scope`: the key is not good for this. `cross_site`: another site made the request.",
    ),
    ("421", "`wrong_host`: another host is meant."),
    (
        "429",
        "`too_many_attempts`: too many wrong keys came from this address.",
    ),
    (
        "500",
        "`internal` or `store_failed`: our own mistake. `request_id` finds it in the log.",
    ),
    (
        "503",
        "`store_failed`: the database is busy. May be repeated.",
    ),
];
/// Errors of requests with a body.
const BODY: [(&str, &str); 3] = [
    ("408", "`too_slow`: the body did not come in time."),
    ("413", "`too_large`: the body is too large."),
    (
        "415",
        "`unsupported_media_type`: the body is no `application/json` in UTF-8.",
    ),
];
/// Unknown parameters are refused everywhere.
const INVALID: (&str, &str) = (
    "422",
    "`invalid`: `errors` names every member or parameter at fault.",
);
const GONE: (&str, &str) = ("404", "`not_found`: there is nothing with this id.");

/// Completes the document.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    let mut nested = Vec::new();
    Problem::schemas(&mut nested);
    components.schemas.extend(nested);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(KEY, bearer);
    document.security = Some(vec![SecurityRequirement::new(KEY, Vec::<String>::new())]);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete_one(path, operation);
        }
    }
}

fn complete_one(path: &str, operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().cloned();
    operation.operation_id = match (tag, operation.operation_id.take()) {
        (Some(tag), Some(id)) => Some(format!("{tag}_{id}")),
        (_, id) => id,
    };
    if OPEN.contains(&path) {
        operation.security = Some(Vec::new());
    } else {
        let mut common = ANY.to_vec();
        common.push(INVALID);
        if operation.request_body.is_some() {
            common.extend(BODY);
        }
        if path.contains("{id}") {
            common.push(GONE);
        }
        for (status, about) in common {
            operation
                .responses
                .responses
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::T(Response::new(about)));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            *response = problem(&response.description);
        }
    }
}

/// An error's answer.
fn problem(about: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    ResponseBuilder::new()
        .description(about)
        .content(PROBLEM, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
