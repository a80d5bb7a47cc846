-- The one certificate that the account's server may show, by its SHA-256 (`AA:BB:…`); NULL when this
-- machine's trust store decides. No secret.
ALTER TABLE caldav_account ADD COLUMN trusted_fingerprint TEXT;
