-- Who may come in: what a key is good for, and which key and browser a session belongs to.

ALTER TABLE api_key ADD COLUMN scope TEXT NOT NULL DEFAULT 'admin'
    CHECK (scope IN ('read', 'sync', 'admin'));

-- Of the sessions there are, nobody knows the key: those browsers sign in again.
DELETE FROM ui_session;
ALTER TABLE ui_session ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE ui_session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE ui_session ADD COLUMN agent TEXT NOT NULL DEFAULT '';

CREATE INDEX ui_session_key ON ui_session (key_id);
