-- Webhooks: how each one fares, the former secret while it still signs, what became of messages.

ALTER TABLE webhook ADD COLUMN former_secret TEXT;
ALTER TABLE webhook ADD COLUMN former_until  INTEGER;
-- Why the last attempt failed, and since when attempts fail; both NULL after one that did not.
ALTER TABLE webhook ADD COLUMN error         TEXT;
ALTER TABLE webhook ADD COLUMN failing_since INTEGER;
-- It asked not to be called before.
ALTER TABLE webhook ADD COLUMN quiet_until   INTEGER;
-- When the program, not a person, switched it off.
ALTER TABLE webhook ADD COLUMN stopped_at    INTEGER;

-- NULL for a test. A message stays for a while after it was delivered or given up.
ALTER TABLE outbox ADD COLUMN run_id       TEXT;
ALTER TABLE outbox ADD COLUMN tried_at     INTEGER;
ALTER TABLE outbox ADD COLUMN delivered_at INTEGER;
UPDATE outbox SET run_id = json_extract(body, '$.run_id');

-- Bodies are long: what is asked without them is answered from an index.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (webhook_id, created_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_ended ON outbox (webhook_id, created_at, delivered_at) WHERE due_at IS NULL;
