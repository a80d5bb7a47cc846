//! The named differences between real CalDAV servers, as switches.
//!
//! Each field reproduces one row or trap that clients meet in the wild. With all of them off the
//! server follows the RFCs to the letter. Read by the core (`handler` and its methods); set from
//! the configuration, from a [`CaldavSim`](super::CaldavSim) handle or over `/_sim/quirks`.
//! Only data here, no behaviour.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every way in which this server can be told to differ from the RFCs.
///
/// In JSON (over `/_sim/quirks`) the fields have the names they have here, and absent ones keep
/// their default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    // Discovery
    /// `/.well-known/caldav` answers 404.
    pub no_well_known: bool,
    /// `/.well-known/caldav` redirects (301) to this URL instead of the context path.
    pub well_known_target: Option<String>,
    /// Requests whose path starts with the key are redirected (302) to the URL, plus the rest of
    /// the path.
    pub redirects: BTreeMap<String, String>,
    /// `PROPFIND /` (host root) answers this status instead of acting as the context path.
    pub root_propfind_status: Option<u16>,
    /// `calendar-home-set` holds this URL (the home may be on another host), plus `<user>/`.
    pub home_base_url: Option<String>,
    /// A PROPFIND without credentials is answered 207 with an `unauthenticated` principal.
    pub unauthenticated_propfind_207: bool,
    /// The home also lists an outbox, an address book and stray files.
    pub home_lists_extras: bool,
    /// The home lists a scheduling inbox and types it as a calendar.
    pub inbox_typed_as_calendar: bool,
    /// `WWW-Authenticate: basic`, in lower case.
    pub lower_case_challenge: bool,
    /// Digest is offered, and refused whatever the client answers.
    pub digest_always_refused: bool,
    /// A digest nonce serves this many requests, then is refused with `stale=true`.
    pub digest_nonce_uses: Option<u32>,
    /// Status for a resource of another user.
    pub foreign_status: u16,
    /// A missing collection is answered 207 with a 404 response and an absolute href.
    pub missing_collection_207: bool,
    /// `calendar-auto-schedule` stands in the DAV header.
    pub auto_schedule: bool,

    // Properties
    /// No `getctag`.
    pub no_getctag: bool,
    /// No `sync-token` property (the report may still work).
    pub no_sync_token_property: bool,
    /// No `supported-calendar-component-set`.
    pub no_component_set: bool,
    /// No `current-user-privilege-set`.
    pub no_privilege_set: bool,
    /// No `getetag` in listings, no `ETag` header anywhere.
    pub no_etags: bool,
    /// No `getcontenttype`.
    pub no_content_type: bool,
    /// `calendar-color` in MKCALENDAR is ignored.
    pub mkcalendar_ignores_color: bool,
    /// Status for MKCALENDAR on an existing collection.
    pub mkcalendar_exists_status: u16,
    /// PROPPATCH with an unknown property fails whole with 403.
    pub proppatch_all_or_nothing: bool,
    /// A component set is shown, and not enforced on PUT.
    pub component_set_not_enforced: bool,

    // Hrefs
    /// How names are escaped in hrefs.
    pub href_escape: HrefEscape,
    /// Hrefs are absolute URLs.
    pub absolute_hrefs: bool,
    /// Names that need escaping are listed twice, escaped and raw.
    pub lists_escaped_names_twice: bool,
    /// Names with a colon are listed with an empty href.
    pub empty_href_for_colon: bool,

    // sync-collection
    /// The report is refused (403 supported-report), and not in `supported-report-set`.
    pub no_sync_collection: bool,
    /// The report is announced, yet refused with this status.
    pub sync_collection_status: Option<u16>,
    /// What a token gets that was never given out, or has expired.
    pub bogus_token: TokenAnswer,
    /// What a token gets that is newer than the server (a restored backup).
    pub future_token: TokenAnswer,
    /// A refusal carries no `valid-sync-token` element.
    pub token_refusal_without_condition: bool,
    /// An empty `sync-token` element is refused as a bogus token would be.
    pub empty_token_refused: bool,
    /// What tokens look like and what they count.
    pub token_form: TokenForm,
    /// What a limit in the report does.
    pub nresults: Nresults,
    /// The server cuts every sync report at this many items, as RFC 6578 3.6 says (507).
    pub sync_page_size: Option<usize>,
    /// What a report does about `calendar-data`.
    pub sync_data: SyncData,
    /// The first report lists deleted items as 404 too.
    pub sync_initial_tombstones: bool,
    /// Items created and deleted between two reports are not shown.
    pub sync_hides_short_lived: bool,
    /// The report lists the collection itself.
    pub sync_lists_collection: CollectionItself,
    /// Each response carries `status 200` beside its propstat.
    pub status_beside_propstat: bool,

    // Listings
    /// Lists (PROPFIND, calendar-query, sync-collection) are silently cut at this many items.
    pub list_cap: Option<usize>,
    /// Multiget answers are silently cut at this many items.
    pub multiget_cap: Option<usize>,
    /// What multiget does about an href that does not exist.
    pub multiget_missing: MissingHref,
    /// Names that are listed, but that GET and multiget answer with this status.
    pub unreadable: BTreeMap<String, u16>,
    /// Names that are left out of lists though they exist.
    pub unlisted: Vec<String>,
    /// Multiget answers with empty hrefs.
    pub multiget_empty_hrefs: bool,
    /// What calendar-query does about time ranges.
    pub time_range: TimeRange,
    /// calendar-query without a time range is refused (400).
    pub time_range_required: bool,

    // Writing
    /// PUT answers without an ETag.
    pub no_etag_on_put: bool,
    /// All ETags are weak.
    pub weak_etags: bool,
    /// How stored bodies differ from those sent.
    pub rewrites: Vec<Rewrite>,
    /// No ETag on PUT when the body was rewritten (as RFC 4791 5.3.4 asks; most give one).
    pub no_etag_when_rewritten: bool,
    /// PUT with a wrong `If-Match` overwrites.
    pub ignores_if_match: bool,
    /// PUT with `If-Match` on a missing resource creates it.
    pub if_match_on_missing_creates: bool,
    /// PUT with `If-None-Match: *` overwrites.
    pub ignores_if_none_match: bool,
    /// DELETE with a wrong `If-Match` deletes.
    pub ignores_delete_if_match: bool,
    /// The ETag changes on an identical PUT.
    pub etag_changes_on_identical_put: bool,
    /// PUT answers 201 and stores nothing.
    pub swallows_puts: bool,
    /// What a second resource with the same UID in one calendar gets: `None` accepts it.
    pub duplicate_uid_status: Option<u16>,
    /// UIDs are unique over all calendars of the user.
    pub uid_unique_per_user: bool,
    /// PUT of a UID that another calendar of the user holds moves the event here.
    pub uid_moves: bool,
    /// The UID of a deleted object stays taken (400), as in a server with a trash bin.
    pub uid_trash: bool,
    /// Status for a body that is not a valid calendar object: `None` stores it.
    pub invalid_body_status: Option<u16>,
    /// Status for DELETE of what is not there.
    pub delete_missing_status: u16,
    /// Bodies over this many bytes get 413.
    pub max_body_bytes: usize,
    /// Requests with `Transfer-Encoding: chunked` get 400.
    pub refuses_chunked: bool,

    // The wire
    /// Answers are gzipped when the client takes gzip.
    pub gzip: bool,
    /// Gzipped answers carry `-gzip` inside their ETag header, as some proxies add it.
    pub gzip_etag_suffix: bool,
    /// Every answer closes the connection.
    pub no_keep_alive: bool,
    /// After `requests` requests within `window_seconds`, further ones are refused.
    pub throttle: Option<Throttle>,
    /// How XML bodies are spoiled.
    pub xml_mischief: Option<XmlMischief>,
    /// Which namespace prefixes the XML uses.
    pub xml_style: XmlStyle,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            no_well_known: false,
            well_known_target: None,
            redirects: BTreeMap::new(),
            root_propfind_status: None,
            home_base_url: None,
            unauthenticated_propfind_207: false,
            home_lists_extras: false,
            inbox_typed_as_calendar: false,
            lower_case_challenge: false,
            digest_always_refused: false,
            digest_nonce_uses: None,
            foreign_status: 403,
            missing_collection_207: false,
            auto_schedule: false,
            no_getctag: false,
            no_sync_token_property: false,
            no_component_set: false,
            no_privilege_set: false,
            no_etags: false,
            no_content_type: false,
            mkcalendar_ignores_color: false,
            mkcalendar_exists_status: 405,
            proppatch_all_or_nothing: false,
            component_set_not_enforced: false,
            href_escape: HrefEscape::default(),
            absolute_hrefs: false,
            lists_escaped_names_twice: false,
            empty_href_for_colon: false,
            no_sync_collection: false,
            sync_collection_status: None,
            bogus_token: TokenAnswer::Status(403),
            future_token: TokenAnswer::Status(403),
            token_refusal_without_condition: false,
            empty_token_refused: false,
            token_form: TokenForm::default(),
            nresults: Nresults::default(),
            sync_page_size: None,
            sync_data: SyncData::default(),
            sync_initial_tombstones: false,
            sync_hides_short_lived: false,
            sync_lists_collection: CollectionItself::default(),
            status_beside_propstat: false,
            list_cap: None,
            multiget_cap: None,
            multiget_missing: MissingHref::default(),
            unreadable: BTreeMap::new(),
            unlisted: Vec::new(),
            multiget_empty_hrefs: false,
            time_range: TimeRange::default(),
            time_range_required: false,
            no_etag_on_put: false,
            weak_etags: false,
            rewrites: Vec::new(),
            no_etag_when_rewritten: false,
            ignores_if_match: false,
            if_match_on_missing_creates: false,
            ignores_if_none_match: false,
            ignores_delete_if_match: false,
            etag_changes_on_identical_put: false,
            swallows_puts: false,
            duplicate_uid_status: Some(403),
            uid_unique_per_user: false,
            uid_moves: false,
            uid_trash: false,
            invalid_body_status: Some(403),
            delete_missing_status: 404,
            max_body_bytes: 10_000_000,
            refuses_chunked: false,
            gzip: false,
            gzip_etag_suffix: false,
            no_keep_alive: false,
            throttle: None,
            xml_mischief: None,
            xml_style: XmlStyle::default(),
        }
    }
}

impl Quirks {
    /// A server like SOGo: no create or delete guard, ETags that move on an identical PUT, tokens
    /// that count seconds.
    #[must_use]
    pub fn like_sogo() -> Self {
        Self {
            ignores_if_none_match: true,
            ignores_delete_if_match: true,
            if_match_on_missing_creates: true,
            etag_changes_on_identical_put: true,
            token_form: TokenForm::UnixSeconds,
            bogus_token: TokenAnswer::FullListWithTombstones,
            future_token: TokenAnswer::EmptyList,
            rewrites: vec![Rewrite::AddTimezone, Rewrite::Lossy],
            duplicate_uid_status: Some(409),
            lower_case_challenge: true,
            auto_schedule: true,
            mkcalendar_ignores_color: true,
            invalid_body_status: Some(404),
            foreign_status: 404,
            ..Self::default()
        }
    }

    /// A server like iCloud: absolute hrefs, a home on another path, ETags missing after PUT, `@`
    /// escaped, the collection itself in its sync reports.
    #[must_use]
    pub fn like_icloud() -> Self {
        Self {
            absolute_hrefs: true,
            no_etag_on_put: true,
            href_escape: HrefEscape::EscapeAt,
            sync_lists_collection: CollectionItself::WithSlash,
            status_beside_propstat: true,
            no_content_type: true,
            token_form: TokenForm::Path,
            auto_schedule: true,
            rewrites: vec![Rewrite::ScheduleStatus],
            ..Self::default()
        }
    }

    /// A server like old sabre/dav: no sync-collection, no sync token, multiget fails whole.
    #[must_use]
    pub fn like_old_sabre() -> Self {
        Self {
            no_sync_collection: true,
            no_sync_token_property: true,
            multiget_missing: MissingHref::FailsWhole,
            href_escape: HrefEscape::LowerCase,
            duplicate_uid_status: None,
            invalid_body_status: Some(415),
            root_propfind_status: Some(404),
            time_range: TimeRange::MissesRecurring,
            ..Self::default()
        }
    }
}

/// What a sync token gets that cannot be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenAnswer {
    /// An error status with a `valid-sync-token` element.
    Status(u16),
    /// 207 with every member and no deletions.
    FullList,
    /// 207 with every member and the tombstones that are known.
    FullListWithTombstones,
    /// 207 with no members.
    EmptyList,
}

/// The shape of sync tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// A URL, as RFC 6578 asks.
    #[default]
    Url,
    /// A bare string.
    Bare,
    /// Something like a path with a query.
    Path,
    /// Whole seconds since 1970: what changed in the token's second is reported again.
    UnixSeconds,
}

/// What a limit in a sync-collection report does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nresults {
    /// A page, 507 for the collection and a token to go on with (RFC 6578 3.6).
    #[default]
    Honoured,
    /// Everything is sent.
    Ignored,
    /// A page and the final token: the rest is lost.
    TruncatesSilently,
}

/// What a sync-collection report does about `calendar-data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncData {
    /// It is given.
    #[default]
    Given,
    /// It is reported as 404 for each item.
    NotFound,
    /// It is left out.
    LeftOut,
}

/// How a sync report lists the collection itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionItself {
    /// It does not.
    #[default]
    No,
    /// With its usual href.
    WithSlash,
    /// With an href that lacks the last slash.
    WithoutSlash,
}

/// What multiget does about an href that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingHref {
    /// A response with status 404.
    #[default]
    NotFound,
    /// No response at all.
    Omitted,
    /// The whole request is 404.
    FailsWhole,
}

/// How names are escaped in hrefs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HrefEscape {
    /// Only what must be, in upper case.
    #[default]
    Minimal,
    /// `@` and the other sub-delimiters too.
    EscapeAt,
    /// Only what must be, in lower case.
    LowerCase,
}

/// What calendar-query does about a time range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeRange {
    /// Single events exactly; a recurring one whenever it starts before the range ends.
    #[default]
    Loose,
    /// Recurring events only by their first occurrence.
    MissesRecurring,
    /// The range is ignored.
    Ignored,
    /// A range that is open at one end gives nothing.
    OpenGivesNothing,
}

/// One way in which a stored body differs from what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// Properties of each component in alphabetic order.
    Reorder,
    /// A VTIMEZONE for each TZID that has none.
    AddTimezone,
    /// SCHEDULE-STATUS on every ATTENDEE.
    ScheduleStatus,
    /// GEO and X- parameters are dropped.
    Lossy,
    /// Another PRODID.
    Prodid,
    /// LF in place of CRLF.
    LineEndings,
}

/// A simple rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// Requests allowed in one window.
    pub requests: u32,
    /// Length of a window in seconds; windows begin at multiples of it.
    pub window_seconds: u32,
    /// 429 or 503.
    pub status: u16,
    /// The `Retry-After` header, verbatim (seconds or an HTTP date).
    pub retry_after: Option<String>,
}

/// How an XML answer is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XmlMischief {
    /// HTML that is not XML, with status 207.
    NotXml,
    /// The document ends half-way (the length header agrees with it).
    CutOff,
    /// A harmless DOCTYPE.
    Doctype,
    /// Entities that grow to gigabytes.
    EntityBomb,
    /// One start tag with 100,000 attributes.
    ManyAttributes,
    /// 100,000 nested elements.
    DeepNesting,
    /// A UTF-8 byte order mark and blank lines before the declaration.
    LeadingBlanks,
}

/// Which namespace prefixes the XML uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XmlStyle {
    /// `d:`, `cal:`, `cs:`, `ical:`.
    #[default]
    Usual,
    /// `DAV:` as the default namespace.
    DefaultNamespace,
    /// Meaningless prefixes.
    Odd,
}
