//! The facts of the API's discovery document: methods with their paths, query
//! parameters and scopes, and the resource schemas. Loaded once from the two
//! generated files in `data/` (see `data/generate.py`); nothing is typed here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// The type of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Date,
    DateTime,
    Boolean,
    Integer,
    Ref(String),
    Array(Box<Self>),
    Map(Box<Self>),
    Object(BTreeMap<String, Self>),
    /// Something this reader does not know: anything goes.
    Any,
}

/// One query parameter.
#[derive(Debug, Clone)]
pub(super) struct Param {
    pub(super) kind: Kind,
    pub(super) repeated: bool,
    pub(super) required: bool,
    pub(super) minimum: Option<i64>,
    pub(super) values: Vec<String>,
}

/// One API method.
#[derive(Debug, Clone)]
pub(super) struct Method {
    /// For instance `events.insert`.
    pub(super) id: String,
    pub(super) http: String,
    /// Path segments; `{name}` is a variable.
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, Param>,
    pub(super) request: Option<String>,
    pub(super) response: Option<String>,
    /// Short names of the scopes that allow it.
    pub(super) scopes: Vec<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) common: Vec<String>,
    pub(super) methods: Vec<Method>,
    pub(super) schemas: BTreeMap<String, BTreeMap<String, Kind>>,
}

/// What the URL prefix of every Calendar scope is.
pub(super) const SCOPE_PREFIX: &str = "https://www.googleapis.com/auth/";

/// The facts, parsed on first use.
pub(super) fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| {
        load(
            include_str!("../../data/google-schema.json"),
            include_str!("../../data/google-scopes.tsv"),
        )
        .unwrap_or_default()
    })
}

impl Facts {
    /// The method and the raw values of its path variables, in path order.
    pub(super) fn route<'p>(&self, http: &str, path: &'p str) -> Option<(&Method, Vec<&'p str>)> {
        let given: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        self.methods
            .iter()
            .filter(|method| method.http == http && method.segments.len() == given.len())
            .filter_map(|method| {
                let mut variables = Vec::new();
                for (pattern, value) in method.segments.iter().zip(&given) {
                    if pattern.starts_with('{') {
                        variables.push(*value);
                    } else if pattern != value {
                        return None;
                    }
                }
                Some((method, variables))
            })
            // `events/import` before `events/{eventId}`.
            .min_by_key(|(_, variables)| variables.len())
    }

    /// Whether a path exists under some verb.
    pub(super) fn knows_path(&self, path: &str) -> bool {
        ["GET", "POST", "PUT", "PATCH", "DELETE"]
            .iter()
            .any(|http| self.route(http, path).is_some())
    }

    /// Every short scope name that some method accepts.
    pub(super) fn knows_scope(&self, short: &str) -> bool {
        self.methods
            .iter()
            .any(|method| method.scopes.iter().any(|scope| scope == short))
    }
}

fn load(schema: &str, scopes: &str) -> Option<Facts> {
    let document: Value = serde_json::from_str(schema).ok()?;
    let by_method: BTreeMap<&str, &str> = scopes
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let mut out = Facts {
        common: texts(document.get("common")?),
        ..Facts::default()
    };
    for (id, method) in document.get("methods")?.as_object()? {
        out.methods.push(Method {
            id: id.clone(),
            http: method.get("http")?.as_str()?.to_owned(),
            segments: method
                .get("path")?
                .as_str()?
                .trim_start_matches('/')
                .split('/')
                .map(str::to_owned)
                .collect(),
            query: method
                .get("query")?
                .as_object()?
                .iter()
                .map(|(name, spec)| (name.clone(), param(spec)))
                .collect(),
            request: text(method.get("request")),
            response: text(method.get("response")),
            scopes: by_method
                .get(id.as_str())
                .map(|list| list.split(' ').map(str::to_owned).collect())
                .unwrap_or_default(),
        });
    }
    for (name, properties) in document.get("schemas")?.as_object()? {
        out.schemas.insert(name.clone(), object(properties));
    }
    Some(out)
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn param(spec: &Value) -> Param {
    let flag = |name: &str| spec.get(name).and_then(Value::as_bool).unwrap_or(false);
    let name = match (
        text(spec.get("type")).unwrap_or_default(),
        text(spec.get("format")),
    ) {
        (kind, Some(format)) => format!("{kind}:{format}"),
        (kind, None) => kind,
    };
    Param {
        kind: scalar(&name),
        repeated: flag("repeated"),
        required: flag("required"),
        minimum: text(spec.get("minimum")).and_then(|n| n.parse().ok()),
        values: spec.get("enum").map(texts).unwrap_or_default(),
    }
}

fn scalar(name: &str) -> Kind {
    match name {
        "string" => Kind::Text,
        "string:date" => Kind::Date,
        "string:date-time" => Kind::DateTime,
        "boolean" => Kind::Boolean,
        _ if name.starts_with("integer") => Kind::Integer,
        _ => name
            .strip_prefix("ref:")
            .map_or(Kind::Any, |target| Kind::Ref(target.to_owned())),
    }
}

fn object(properties: &Value) -> BTreeMap<String, Kind> {
    properties
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, spec)| (name.clone(), kind(spec)))
        .collect()
}

fn kind(spec: &Value) -> Kind {
    if let Some(name) = spec.as_str() {
        return scalar(name);
    }
    if let Some(items) = spec.get("array") {
        return Kind::Array(Box::new(kind(items)));
    }
    if let Some(values) = spec.get("map") {
        return Kind::Map(Box::new(kind(values)));
    }
    spec.get("object")
        .map_or(Kind::Any, |properties| Kind::Object(object(properties)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_files_load_whole() {
        let facts = facts();
        assert_eq!(facts.methods.len(), 38);
        assert!(facts.methods.iter().all(|method| !method.scopes.is_empty()));
        assert!(facts.schemas.len() > 30);
        assert!(facts.schemas.contains_key("Event"));
        assert!(!facts.common.is_empty());
    }

    #[test]
    fn fixed_segments_win_over_variables() {
        let facts = facts();
        let (method, vars) = facts
            .route("POST", "/calendar/v3/calendars/a%40b/events/import")
            .unwrap();
        assert_eq!((method.id.as_str(), vars), ("events.import", vec!["a%40b"]));
        let (method, vars) = facts
            .route("GET", "/calendar/v3/calendars/c/events/e")
            .unwrap();
        assert_eq!((method.id.as_str(), vars), ("events.get", vec!["c", "e"]));
        assert!(facts.route("GET", "/calendar/v3/nothing").is_none());
        assert!(!facts.knows_path("/calendar/v3/nothing"));
    }

    #[test]
    fn scopes_are_known_by_their_short_names() {
        assert!(facts().knows_scope("calendar.events"));
        assert!(!facts().knows_scope("calendar.everything"));
    }
}
