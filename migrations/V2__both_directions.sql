-- Both directions: conflicts, what undoing a run needs, rows by UID, several held plans.

-- Decided ones outlive their mapping, as runs do; open ones go with it, for nobody can answer them.
CREATE TABLE conflict (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL,
    mapping_id  TEXT    NOT NULL,
    row_key     TEXT    NOT NULL,
    uid         TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('open', 'decided')),
    policy      TEXT    NOT NULL,
    detected_at INTEGER NOT NULL,
    decided_at  INTEGER,
    body        TEXT    NOT NULL,
    decision    TEXT,
    UNIQUE (mapping_id, id)
) STRICT;

CREATE INDEX conflict_id ON conflict (id);
CREATE INDEX conflict_open ON conflict (mapping_id, seq) WHERE status = 'open';
CREATE INDEX conflict_decided ON conflict (decided_at) WHERE status = 'decided';

-- One write of a run with what was there before. Sealed: it may hold what a privacy rule removes.
CREATE TABLE undo (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    mapping_id TEXT    NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
    run_id     TEXT    NOT NULL,
    image      TEXT    NOT NULL
) STRICT;

CREATE INDEX undo_run ON undo (run_id, mapping_id, seq);
CREATE INDEX undo_mapping ON undo (mapping_id);
-- For a change of keys, which looks for what other keys have sealed: `v1.` and eight digits.
CREATE INDEX undo_key ON undo (substr(image, 1, 11));

ALTER TABLE sync_row ADD COLUMN uid TEXT NOT NULL DEFAULT '';
UPDATE sync_row SET uid = json_extract(body, '$.uid');
CREATE INDEX sync_row_uid ON sync_row (mapping_id, uid);

-- What no reading has shown yet is little; what is gone is looked through when old things go.
CREATE INDEX mirror_unshown ON mirror (calendar_id, resource) WHERE shown = 0 AND state <> 'gone';
CREATE INDEX mirror_old ON mirror (since) WHERE state = 'gone';

-- A held plan was one, and is a list now. What was held is found anew: everything is planned again.
UPDATE mapping_state SET state = json_set(state, '$.planned_with', '')
WHERE json_type(state, '$.held') = 'object';
UPDATE mapping_state
SET state = json_set(state, '$.held', json('[]'), '$.approved', json('[]'));
