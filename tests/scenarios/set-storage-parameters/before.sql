CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz DEFAULT now(), kind text, payload text) WITH (fillfactor = 70, autovacuum_analyze_scale_factor = 0.3);
INSERT INTO events SELECT i, now(), 'K' || i, 'P' FROM generate_series(1, :rows) i;
CREATE INDEX events_at_idx ON events (at);
