-- What of a calendar cannot be read is counted whenever somebody looks at the dashboard.
CREATE INDEX mirror_unreadable ON mirror (calendar_id) WHERE state = 'unreadable';
