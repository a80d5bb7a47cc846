//! sync-collection (RFC 6578), with every way of getting it wrong that was seen.

use super::propfind::multistatus_with;
use super::props::{self, TokenMeaning};
use super::quirks::{CollectionItself, Nresults, SyncData, TokenAnswer};
use super::reply::{self, Reply, gone, status_line};
use super::report::{Ask, data};
use super::resource::Resource;
use super::state::Calendar;
use super::xml::{self, CALDAV, DAV, El};

/// One member to report.
struct Change<'a> {
    name: &'a str,
    revision: u64,
    deleted: bool,
}

/// What to report.
enum Since {
    /// Everything, with or without tombstones.
    Beginning {
        tombstones: bool,
    },
    Revision(u64),
    Second(i64),
    Nothing,
}

/// Answers a sync-collection report.
pub(super) fn sync_collection(ask: &Ask<'_>, root: roxmltree::Node<'_, '_>, depth: &str) -> Reply {
    let state = ask.state;
    let quirks = &state.quirks;
    let Some(calendar) = state.calendar(ask.owner, ask.slug) else {
        return reply::status(404);
    };
    if quirks.no_sync_collection {
        return reply::error(403, El::dav("supported-report"));
    }
    if let Some(code) = quirks.sync_collection_status {
        return reply::status(code);
    }
    if depth != "0" {
        // RFC 6578 3.2.
        return reply::text(400, "sync-collection needs Depth: 0.");
    }
    let level = xml::child(root, DAV, "sync-level").map(xml::text_of);
    if level.is_none_or(|l| l.trim() != "1") {
        return reply::text(400, "sync-level must be 1.");
    }
    let limit = match read_limit(root) {
        Ok(limit) => limit,
        Err(reply) => return *reply,
    };
    let token = xml::child(root, DAV, "sync-token").map(xml::text_of);
    let since = match token.as_deref().map(str::trim) {
        None => beginning(ask),
        Some("") if !quirks.empty_token_refused => beginning(ask),
        Some("") => match refused(ask, quirks.bogus_token) {
            Ok(since) => since,
            Err(reply) => return *reply,
        },
        Some(token) => match props::read_token(calendar, quirks, token, ask.now) {
            TokenMeaning::Revision(revision) => Since::Revision(revision),
            TokenMeaning::Second(second) => Since::Second(second),
            TokenMeaning::Future => match refused(ask, quirks.future_token) {
                Ok(since) => since,
                Err(reply) => return *reply,
            },
            TokenMeaning::Bogus => match refused(ask, quirks.bogus_token) {
                Ok(since) => since,
                Err(reply) => return *reply,
            },
        },
    };
    let mut changes = changes(ask, calendar, &since);
    let mut upto = calendar.revision;
    let page = match (limit, quirks.nresults) {
        (Some(limit), Nresults::Honoured | Nresults::TruncatesSilently) => Some(limit),
        _ => None,
    };
    let page = page.into_iter().chain(quirks.sync_page_size).min();
    let mut cut = false;
    if let Some(page) = page
        && changes.len() > page
    {
        changes.truncate(page);
        if quirks.nresults != Nresults::TruncatesSilently {
            cut = true;
            upto = changes.last().map_or(upto, |c| c.revision);
        }
    }
    if let Some(cap) = quirks.list_cap {
        changes.truncate(cap);
    }
    let mut responses: Vec<El> = collection_itself(ask).into_iter().collect();
    for change in &changes {
        if change.deleted {
            responses.push(gone(&state.href(&ask.resource(change.name)), 404));
        } else if let Some(object) = calendar.objects.get(change.name) {
            let extra = match quirks.sync_data {
                _ if !ask.wants_data() => None,
                SyncData::Given => Some((200, data(object))),
                SyncData::NotFound => Some((404, El::new(CALDAV, "calendar-data"))),
                SyncData::LeftOut => None,
            };
            responses.extend(ask.object(change.name, extra.as_slice()));
        }
    }
    if cut {
        let itself = Resource::Calendar(ask.owner.to_owned(), ask.slug.to_owned());
        responses.push(
            El::dav("response")
                .child(El::href(&state.href(&itself)))
                .child(status_line(507))
                .child(El::dav("error").child(El::dav("number-of-matches-within-limits"))),
        );
    }
    let token = props::sync_token(calendar, quirks, upto, ask.now);
    multistatus_with(state, responses, Some(token))
}

fn beginning(ask: &Ask<'_>) -> Since {
    Since::Beginning {
        tombstones: ask.state.quirks.sync_initial_tombstones,
    }
}

fn read_limit(root: roxmltree::Node<'_, '_>) -> Result<Option<usize>, Box<Reply>> {
    let Some(limit) = xml::child(root, DAV, "limit") else {
        return Ok(None);
    };
    xml::child(limit, DAV, "nresults")
        .and_then(|n| xml::text_of(n).trim().parse::<usize>().ok())
        .filter(|n| *n > 0)
        .map(Some)
        .ok_or_else(|| Box::new(reply::text(400, "nresults must be a positive number.")))
}

fn refused(ask: &Ask<'_>, answer: TokenAnswer) -> Result<Since, Box<Reply>> {
    match answer {
        TokenAnswer::Status(code) if ask.state.quirks.token_refusal_without_condition => {
            Err(Box::new(reply::status(code)))
        }
        TokenAnswer::Status(code) => Err(Box::new(reply::error(code, El::dav("valid-sync-token")))),
        TokenAnswer::FullList => Ok(Since::Beginning { tombstones: false }),
        TokenAnswer::FullListWithTombstones => Ok(Since::Beginning { tombstones: true }),
        TokenAnswer::EmptyList => Ok(Since::Nothing),
    }
}

fn changes<'a>(ask: &Ask<'_>, calendar: &'a Calendar, since: &Since) -> Vec<Change<'a>> {
    let quirks = &ask.state.quirks;
    let mut out: Vec<Change<'a>> = Vec::new();
    for (name, object) in &calendar.objects {
        let shown = match since {
            Since::Beginning { .. } => true,
            Since::Revision(revision) => object.revision > *revision,
            Since::Second(second) => object.modified.as_second() >= *second,
            Since::Nothing => false,
        };
        if shown && !quirks.unlisted.contains(name) {
            out.push(Change {
                name,
                revision: object.revision,
                deleted: false,
            });
        }
    }
    for (name, tombstone) in &calendar.tombstones {
        let shown = match since {
            Since::Beginning { tombstones } => *tombstones,
            Since::Revision(revision) => {
                let short_lived = tombstone.created > *revision;
                tombstone.revision > *revision && !(quirks.sync_hides_short_lived && short_lived)
            }
            Since::Second(second) => tombstone.at.as_second() >= *second,
            Since::Nothing => false,
        };
        if shown {
            out.push(Change {
                name,
                revision: tombstone.revision,
                deleted: true,
            });
        }
    }
    out.sort_by_key(|c| c.revision);
    out
}

fn collection_itself(ask: &Ask<'_>) -> Option<El> {
    let itself = Resource::Calendar(ask.owner.to_owned(), ask.slug.to_owned());
    let href = ask.state.href(&itself);
    let href = match ask.state.quirks.sync_lists_collection {
        CollectionItself::No => return None,
        CollectionItself::WithSlash => href.as_str(),
        CollectionItself::WithoutSlash => href.trim_end_matches('/'),
    };
    let missing = reply::propstat(404, vec![El::dav("getetag")]);
    Some(El::dav("response").child(El::href(href)).children(missing))
}
