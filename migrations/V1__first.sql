-- The first schema. Times are microseconds since 1970 (UTC); JSON is text; a column named in
-- `crates/store/src/seal/columns.rs` holds sealed text (`v1.<key id>.<nonce>.<ciphertext>`).

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per key that has ever sealed something still here: opening asks for all of them.
CREATE TABLE seal_key (
    id     TEXT NOT NULL PRIMARY KEY,
    canary TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Registry -----------------------------------------------------------------------------------

CREATE TABLE account (
    id         TEXT    NOT NULL PRIMARY KEY,
    side       TEXT    NOT NULL CHECK (side IN ('caldav', 'google')),
    status     TEXT    NOT NULL,
    problem    TEXT,
    profile    TEXT    NOT NULL,
    managed    INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    checked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE caldav_account (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    base_url   TEXT NOT NULL,
    username   TEXT NOT NULL,
    password   TEXT NOT NULL,
    UNIQUE (base_url, username)
) STRICT, WITHOUT ROWID;

CREATE TABLE google_account (
    account_id    TEXT    NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    email         TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    refresh_token TEXT    NOT NULL,
    access_token  TEXT,
    expires_at    INTEGER,
    scopes        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE google_writes (
    account_id TEXT    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    day        TEXT    NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (account_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE calendar (
    id          TEXT    NOT NULL PRIMARY KEY,
    account_id  TEXT    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    side        TEXT    NOT NULL CHECK (side IN ('caldav', 'google')),
    remote      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    color       TEXT,
    writable    INTEGER NOT NULL,
    access_role TEXT,
    time_zone   TEXT,
    is_primary  INTEGER NOT NULL,
    components  TEXT    NOT NULL,
    listed      INTEGER NOT NULL,
    UNIQUE (account_id, remote)
) STRICT, WITHOUT ROWID;

CREATE INDEX calendar_remote ON calendar (side, remote);

CREATE TABLE mapping (
    id                 TEXT    NOT NULL PRIMARY KEY,
    caldav_calendar_id TEXT    NOT NULL REFERENCES calendar (id),
    google_calendar_id TEXT    NOT NULL REFERENCES calendar (id),
    settings           TEXT    NOT NULL,
    managed            INTEGER NOT NULL DEFAULT 0,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    UNIQUE (caldav_calendar_id, google_calendar_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mapping_google ON mapping (google_calendar_id);

CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
    id         TEXT    NOT NULL PRIMARY KEY,
    source     TEXT    NOT NULL CHECK (source IN ('ui', 'config', 'environment')),
    position   INTEGER NOT NULL,
    url        TEXT    NOT NULL,
    secret     TEXT,
    enabled    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    hash       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE ui_session (
    hash       TEXT    NOT NULL PRIMARY KEY,
    csrf       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_state (
    hash         TEXT    NOT NULL PRIMARY KEY,
    verifier     TEXT    NOT NULL,
    session_hash TEXT    NOT NULL,
    redirect_uri TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mirror -------------------------------------------------------------------------------------

CREATE TABLE mirror_calendar (
    id         INTEGER NOT NULL PRIMARY KEY,
    side       TEXT    NOT NULL CHECK (side IN ('caldav', 'google')),
    account_id TEXT    NOT NULL,
    remote     TEXT    NOT NULL,
    cursor     TEXT,
    read_at    INTEGER,
    listed_at  INTEGER,
    living     INTEGER NOT NULL DEFAULT 0,
    change     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (side, account_id, remote)
) STRICT;

-- What was seen of a resource, slim: versions and changes are read without touching the bodies.
-- A resource that changed its series leaves a `gone` row with the old one behind.
CREATE TABLE mirror (
    id          INTEGER NOT NULL PRIMARY KEY,
    calendar_id INTEGER NOT NULL REFERENCES mirror_calendar (id) ON DELETE CASCADE,
    resource    TEXT    NOT NULL,
    series      TEXT,
    uid         TEXT,
    origin      TEXT,
    etag        TEXT,
    state       TEXT    NOT NULL CHECK (state IN ('present', 'unreadable', 'foreign', 'gone')),
    reason      TEXT,
    digest      BLOB,
    shown       INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    change      INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX mirror_live ON mirror (calendar_id, resource) WHERE state <> 'gone';
CREATE UNIQUE INDEX mirror_gone ON mirror (calendar_id, resource, series) WHERE state = 'gone';
CREATE INDEX mirror_series ON mirror (calendar_id, series) WHERE series IS NOT NULL;
CREATE INDEX mirror_change ON mirror (calendar_id, change, series) WHERE series IS NOT NULL;
CREATE INDEX mirror_uid ON mirror (calendar_id, uid) WHERE uid IS NOT NULL;
CREATE INDEX mirror_origin ON mirror (calendar_id, origin) WHERE origin IS NOT NULL;

CREATE TABLE mirror_body (
    id          INTEGER NOT NULL PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    observation TEXT    NOT NULL
) STRICT;

-- What mappings agreed on ---------------------------------------------------------------------

CREATE TABLE sync_row (
    id         INTEGER NOT NULL PRIMARY KEY,
    mapping_id TEXT    NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    tracked    INTEGER NOT NULL,
    due        INTEGER,
    body       TEXT    NOT NULL,
    UNIQUE (mapping_id, key)
) STRICT;

CREATE INDEX sync_row_due ON sync_row (mapping_id, due) WHERE due IS NOT NULL;
CREATE INDEX sync_row_tracked ON sync_row (mapping_id) WHERE tracked = 1;

CREATE TABLE sync_link (
    row_id     INTEGER NOT NULL REFERENCES sync_row (id) ON DELETE CASCADE,
    mapping_id TEXT    NOT NULL,
    side       TEXT    NOT NULL CHECK (side IN ('caldav', 'google')),
    series     TEXT    NOT NULL,
    PRIMARY KEY (row_id, side, series)
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_link_series ON sync_link (mapping_id, side, series);

CREATE TABLE sync_intent (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    mapping_id TEXT    NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    run_id     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    UNIQUE (mapping_id, id)
) STRICT;

CREATE TABLE mapping_state (
    mapping_id  TEXT    NOT NULL PRIMARY KEY REFERENCES mapping (id) ON DELETE CASCADE,
    caldav_mark INTEGER NOT NULL DEFAULT 0,
    google_mark INTEGER NOT NULL DEFAULT 0,
    state       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs outlive their mapping: what was done stays on record.

CREATE TABLE run (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    mapping_id  TEXT    NOT NULL,
    direction   TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    inserted    INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL DEFAULT 0,
    deleted     INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    deferred    INTEGER NOT NULL DEFAULT 0,
    held        INTEGER NOT NULL DEFAULT 0,
    conflicts   INTEGER NOT NULL DEFAULT 0,
    warnings    TEXT    NOT NULL DEFAULT '[]',
    error       TEXT
) STRICT;

CREATE INDEX run_mapping ON run (mapping_id, seq);
CREATE INDEX run_open ON run (seq) WHERE finished_at IS NULL;

CREATE TABLE run_event (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id     TEXT    NOT NULL,
    mapping_id TEXT    NOT NULL,
    uid        TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    body       TEXT    NOT NULL
) STRICT;

CREATE INDEX run_event_run ON run_event (run_id, seq);
CREATE INDEX run_event_uid ON run_event (uid, seq);

CREATE TABLE outbox (
    id         TEXT    NOT NULL PRIMARY KEY,
    webhook_id TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER,
    error      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_webhook ON outbox (webhook_id);
