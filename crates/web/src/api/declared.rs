//! What the API tells of `config.yaml`: what it declares and waits, and how the file is.

use app::{FileState, Pending, PendingKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::words;

/// Something that `config.yaml` declares and that is not in force yet.
#[derive(Serialize, ToSchema)]
#[schema(as = Waiting)]
pub(crate) struct WaitingDto {
    #[schema(value_type = words::PendingKind)]
    kind: PendingKind,
    name: String,
    code: String,
    detail: String,
    action: String,
}

/// Everything that waits.
pub(crate) fn waiting(pending: &[Pending]) -> Vec<WaitingDto> {
    pending
        .iter()
        .map(|one| WaitingDto {
            kind: one.what,
            name: one.name.clone(),
            code: one.code.clone(),
            detail: one.detail.clone(),
            action: one.action.clone(),
        })
        .collect()
}

/// How `config.yaml` is.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = StatusConfiguration)]
pub(crate) struct FileDto {
    /// Its path; null when there is none.
    #[schema(required)]
    file: Option<String>,
    /// Why its present content is not in force.
    #[schema(required)]
    error: Option<String>,
    /// Keys that hold from the next start on.
    at_restart: Vec<String>,
}

impl From<FileState> for FileDto {
    fn from(state: FileState) -> Self {
        Self {
            file: state.path,
            error: state.error,
            at_restart: state.at_restart,
        }
    }
}
