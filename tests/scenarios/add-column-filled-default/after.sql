ALTER TABLE users ADD first_seen timestamptz NOT NULL DEFAULT now();
