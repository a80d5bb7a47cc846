//! Schemas of the engine's and the store's words (`direction`, `status`, `reason`, …). The core
//! knows nothing of OpenAPI, so each has a stand-in here, made of the very values it stands for:
//! spelt by their own serialisation, and a new variant does not compile until it is listed.

use std::collections::BTreeMap;

use app::records;
use serde::Serialize;
use serde_json::Value;
use sync_engine::plan::operation;
use sync_engine::{conflict, guard, model, projection};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Stand-ins: `Name of Type: variants`.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident of $type:path: $($variant:ident),+;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) struct $name;

        impl $name {
            const ALL: &[$type] = &[$(<$type>::$variant),+];

            #[expect(dead_code, reason = "only to be compiled: every variant is listed")]
            fn listed(word: $type) {
                match word {
                    $(<$type>::$variant => (),)+
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema(concat!($($doc),+).trim(), Self::ALL)
            }
        }

        impl ToSchema for $name {}
    )+};
}

words! {
    /// Which way events go.
    Direction of records::Direction: CaldavToGoogle, GoogleToCaldav, Bidirectional;
    /// Who wins when both sides changed the same.
    ConflictPolicy of records::ConflictPolicy: Latest, Merge, Caldav, Google, Manual;
    /// What becomes of edits on the target of a one-way mapping.
    OnTargetEdit of records::OnTargetEdit: Restore, Keep;
    /// Reminders of new copies.
    Reminders of records::Reminders: None, Default;
    /// What becomes of changes to events whose guests the CalDAV server would mail.
    Invitations of records::Invitations: Wait, Write;
    /// What becomes of events that the calendar's owner declined.
    Declined of projection::Declined: Free, Skip, AsIs;
    /// What becomes of events of class PRIVATE and CONFIDENTIAL.
    PrivateEvents of projection::PrivateEvents: Private, Busy, Skip, AsIs;
    /// How a webhook fares: `disabled` when the program switched it off, `off` when a person did.
    WebhookState of app::WebhookState: Ok, Failing, Disabled, Off;
    /// What became of a message.
    DeliveryStatus of records::DeliveryState: Waiting, Delivered, Failed;
    /// What a key is good for: to look at everything but keys, to start runs as well, everything.
    KeyScope of records::KeyScope: Read, Sync, Admin;
    /// What waits.
    PendingKind of app::PendingKind: Account, Mapping;
    /// How a thing is that the doctor looked at.
    Verdict of app::doctor::Verdict: Ok, Warn, Fail;
    /// Whether a CalDAV account works.
    CaldavStatus of records::CaldavStatus: Ok, Unauthorized, Unreachable, NotFound;
    /// Whether a Google account works.
    GoogleStatus of records::GoogleStatus: Ok, NeedsReauth;
    /// How a run ended: nothing failed, some events failed, or it could not be carried through.
    RunStatus of records::RunState: Running, Success, PartialFailure, Failure;
    /// One end of a mapping; in operations and events the one that is written.
    Side of model::Side: Caldav, Google;
    /// What is done.
    Action of operation::ActionKind: Insert, Update, Delete;
    /// A field of an event.
    Field of model::Field: Title, Description, Location, When, Status, Transparency, Visibility;
    /// What kind of accident it looks like.
    HeldKind of guard::HeldKind: Deletions, Change, Orphans;
    /// Whether a conflict waits for a person.
    ConflictStatus of records::ConflictStatus: Open, Decided;
    /// Whose version was taken.
    Winner of conflict::Winner: Caldav, Google, Merged;
}

fn schema<T: Serialize>(about: &str, words: &[T]) -> RefOr<Schema> {
    let spelt = words
        .iter()
        .map(|word| serde_json::to_value(word).unwrap_or_default());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(spelt.collect::<Vec<Value>>()))
        .description(Some(about))
        .build()
        .into()
}

/// What of an event is written: `full` (as it is), `busy` (the title "Busy" and nothing else), or a
/// template.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "stands for projection::Privacy")]
pub(crate) enum Privacy {
    Full,
    Busy,
    #[serde(untagged)]
    Template(PrivacyTemplate),
}

/// A privacy rule of one's own.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "stands for projection::Template")]
pub(crate) struct PrivacyTemplate {
    /// `{title}` and `{calendar}` stand for themselves, all else is literal.
    #[schema(example = "Busy: {calendar}")]
    title: String,
    /// Whether the description crosses.
    description: bool,
    /// Whether the location crosses.
    location: bool,
}

/// Which version of a conflict to keep: one side's, both merged, or field by field (what is not
/// named is decided as by `merged`).
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "stands for conflict::Keep")]
#[expect(
    clippy::zero_sized_map_values,
    reason = "the document shows a map from fields to sides"
)]
pub(crate) enum Keep {
    Caldav,
    Google,
    Merged,
    Fields(BTreeMap<String, Side>),
}

/// What was found, thing by thing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for doctor::Report")]
pub(crate) struct Report {
    version: String,
    /// When it was looked.
    #[schema(format = DateTime)]
    at: String,
    /// The worst that was found.
    status: Verdict,
    checks: Vec<Check>,
}

/// What was found about one thing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for doctor::Check")]
pub(crate) struct Check {
    /// What was looked at.
    #[schema(example = "database")]
    area: String,
    status: Verdict,
    /// The account or mapping it is about.
    #[schema(required)]
    subject: Option<Subject>,
    /// What was found, in a sentence.
    detail: String,
    /// What to do; empty when nothing is.
    action: String,
}

/// An account or a mapping.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for doctor::Subject")]
pub(crate) struct Subject {
    id: String,
    name: String,
}
