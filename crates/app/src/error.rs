//! Errors as people and scripts meet them: what happened, whose side it is on, what to do next.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreError;
use sync_engine::model::{MappingId, Side};
use sync_engine::report::Problem;

/// An error for a person or a script. Never holds a secret, nor a server's answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct UserError {
    /// What kind: the HTTP status follows from it.
    pub kind: Kind,
    /// Stable code, snake case.
    pub code: String,
    /// A few words, the same for every error of this code.
    pub title: String,
    /// One or two plain sentences about this very case.
    pub detail: String,
    /// What to do next; never empty.
    pub action: String,
    /// The fields at fault, for forms.
    pub fields: Vec<FieldError>,
    /// Further members of the problem document (`mapping_ids`, `current_id`, …).
    pub extra: Map<String, Value>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field, as the API names it.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 400: it cannot be read.
    Unreadable,
    /// 404.
    NotFound,
    /// 409: at odds with what is there.
    Conflict,
    /// 422: understood, and not acceptable.
    Unacceptable,
    /// 503: a dependency of ours, may be retried.
    Unavailable,
    /// 500: our own.
    Internal,
}

impl UserError {
    /// An error with nothing but words.
    pub fn new(
        kind: Kind,
        code: &str,
        title: &str,
        detail: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            title: title.to_owned(),
            detail: detail.into(),
            action: action.into(),
            fields: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Something does not exist.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(
            Kind::NotFound,
            "not_found",
            "Not found",
            format!("There is no {what} {id:?}."),
            "Look it up in the list again: it may have been removed.",
        )
    }

    /// One field is not acceptable.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            fields: vec![FieldError {
                field: field.to_owned(),
                detail: detail.clone(),
            }],
            ..Self::new(
                Kind::Unacceptable,
                "invalid",
                "Not acceptable",
                detail,
                "Correct the field and try again.",
            )
        }
    }

    /// Several fields are not acceptable: their faults, in order.
    pub(crate) fn all(errors: impl IntoIterator<Item = Self>) -> Self {
        let fields: Vec<FieldError> = errors.into_iter().flat_map(|error| error.fields).collect();
        let detail = match fields.as_slice() {
            [only] => only.detail.clone(),
            many => format!("{} fields are not acceptable.", many.len()),
        };
        Self {
            fields,
            ..Self::invalid("", detail)
        }
    }

    /// There is no OAuth client yet.
    pub fn google_not_configured() -> Self {
        Self::new(
            Kind::Unacceptable,
            "google_not_configured",
            "Google is not set up",
            "This installation has no Google OAuth client yet.",
            "Make an OAuth client (type: web application) in the Google Cloud console, register the \
             redirect address shown on the Google page, set GOOGLE_CLIENT_ID and \
             GOOGLE_CLIENT_SECRET, and restart.",
        )
    }

    /// A mapping that is switched off was asked to run.
    pub fn mapping_disabled(mapping: &MappingId) -> Self {
        Self::new(
            Kind::Conflict,
            "mapping_disabled",
            "The mapping is off",
            format!("The mapping {mapping} is switched off."),
            "Switch it on first.",
        )
    }

    /// A mapping of a restored database was asked to run.
    pub fn mapping_restored(mapping: &MappingId) -> Self {
        Self::new(
            Kind::Conflict,
            "mapping_restored",
            "The mapping waits after a restore",
            format!(
                "The mapping {mapping} comes from a backup, and the calendars have moved on since. \
                 Nothing is written before you have seen what it would do."
            ),
            "Look at its preview and confirm it: on its page, or POST /sync with mapping_id and the \
             plan_id of GET /mappings/{id}/preview.",
        )
    }

    /// A webhook of the configuration was to be changed elsewhere.
    pub fn webhook_managed() -> Self {
        Self::new(
            Kind::Conflict,
            "managed",
            "Managed by the configuration",
            "This webhook is declared in config.yaml or in the environment.",
            "Change it there. A change of config.yaml is in force within seconds, one of the \
             environment after a restart.",
        )
    }

    /// What was seen is not what would be done now.
    pub fn plan_changed() -> Self {
        Self::new(
            Kind::Conflict,
            "plan_changed",
            "The plan has changed",
            "The calendars changed since this plan was shown. Nothing was written.",
            "Look at the preview again.",
        )
    }

    /// From a problem that a client crate reported.
    pub fn from_problem(kind: Kind, problem: &Problem) -> Self {
        Self::new(
            kind,
            &problem.code,
            match problem.side {
                Some(Side::Caldav) => "CalDAV",
                Some(Side::Google) => "Google",
                None => "It did not work",
            },
            problem.detail.clone(),
            if problem.action.is_empty() {
                "Try again; if it stays, look at the log.".to_owned()
            } else {
                problem.action.clone()
            },
        )
    }

    /// With a further member.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }
}

impl From<StoreError> for UserError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, id } => Self::not_found(what, &id),
            StoreError::Exists { what, id } => Self::new(
                Kind::Conflict,
                "already_exists",
                "It exists already",
                format!("This {what} was added before."),
                "Use the one that is there, or change it.",
            )
            .with("id", id),
            StoreError::AlreadyDecided { .. } => Self::new(
                Kind::Conflict,
                "conflict_decided",
                "The conflict is decided",
                "This conflict waits for nobody any more.",
                "Nothing is to be done.",
            ),
            StoreError::AccountInUse { mappings } => Self::new(
                Kind::Conflict,
                "account_in_use",
                "The account is in use",
                format!("{} mapping(s) use this account.", mappings.len()),
                "Delete those mappings first, or move them to another account.",
            )
            .with(
                "mapping_ids",
                mappings
                    .iter()
                    .map(|id| Value::from(id.as_str()))
                    .collect::<Vec<_>>(),
            ),
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::new(
                    if other.may_retry() {
                        Kind::Unavailable
                    } else {
                        Kind::Internal
                    },
                    "store_failed",
                    "The database failed",
                    "The program could not read or write its own database.",
                    "Try again. If it stays, check the free space and the permissions of the data \
                     folder, and look at the log.",
                )
            }
        }
    }
}
