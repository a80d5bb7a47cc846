//! Every address of the site. What is not listed here does not exist.

use actix_web::http::header;
use actix_web::{HttpResponse, Resource, Route, guard, web as aw};

use crate::web::Web;
use crate::{api, assets, pages};

/// Registers all routes under the base path, and the probes also at the root.
pub(crate) fn routes(config: &mut aw::ServiceConfig, web: &Web) {
    let at = |path: &str| web.path(path);
    let mut add = |path: String, methods: &'static str, routes: Vec<Route>| {
        config.service(resource(path, methods, routes));
    };
    if !web.config.prefix().is_empty() {
        add(
            "/healthz".to_owned(),
            "GET, HEAD",
            vec![get().to(api::probes::healthz)],
        );
        add(
            "/readyz".to_owned(),
            "GET, HEAD",
            vec![get().to(api::probes::readyz)],
        );
    }
    api::routes(&mut |path, methods, routes| add(at(path), methods, routes));
    pages::routes(&mut |path, methods, routes| add(at(path), methods, routes));
    assets::routes(&mut |path, methods, routes| add(at(path), methods, routes));
}

/// What adds a route: path under the base path, methods for `Allow`, handlers.
pub(crate) type Add<'a> = &'a mut dyn FnMut(&str, &'static str, Vec<Route>);

/// GET, and HEAD with it.
pub(crate) fn get() -> Route {
    aw::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn resource(path: String, methods: &'static str, routes: Vec<Route>) -> Resource {
    let resource = routes.into_iter().fold(aw::resource(path), Resource::route);
    resource.default_service(aw::to(move || async move {
        HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, methods))
            .finish()
    }))
}
