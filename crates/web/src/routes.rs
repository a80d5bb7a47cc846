//! Every address of the site. What is not listed here does not exist.

use actix_web::http::{Method, header};
use actix_web::{HttpResponse, Resource, Route, guard, web as aw};

use crate::web::Web;
use crate::{api, assets, pages};

/// Registers all routes under the base path, and the probes also at the root.
pub(crate) fn routes(config: &mut aw::ServiceConfig, web: &Web) {
    let at = |path: &str| web.path(path);
    let mut add = |path: String, methods: &str, routes: Vec<Route>| {
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

/// Every address under the base path with its methods, as `Allow` names them: for checks that walk
/// them all.
pub fn addresses() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |path: &str, methods: &str, _: Vec<Route>| {
        all.push((path.to_owned(), methods.to_owned()));
    };
    api::routes(&mut add);
    pages::routes(&mut add);
    assets::routes(&mut add);
    all
}

/// What adds a route: path under the base path, methods for `Allow`, handlers.
pub(crate) type Add<'a> = &'a mut dyn FnMut(&str, &str, Vec<Route>);

/// GET, and HEAD with it.
pub(crate) fn get() -> Route {
    aw::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn resource(path: String, methods: &str, routes: Vec<Route>) -> Resource {
    let resource = routes.into_iter().fold(aw::resource(path), Resource::route);
    let allow = format!("{methods}, OPTIONS");
    resource.default_service(aw::to(move |method: Method| {
        let mut answer = if method == Method::OPTIONS {
            HttpResponse::NoContent()
        } else {
            HttpResponse::MethodNotAllowed()
        };
        answer.insert_header((header::ALLOW, allow.clone()));
        async move { answer.finish() }
    }))
}
