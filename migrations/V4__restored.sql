-- A mapping of a restored database waits until somebody has seen what its next run would do.
ALTER TABLE mapping ADD COLUMN restored_at INTEGER;
