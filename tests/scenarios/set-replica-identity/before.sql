CREATE TABLE events (id bigint PRIMARY KEY, public_id text NOT NULL CONSTRAINT events_public_id_key UNIQUE, kind text);
INSERT INTO events SELECT i, 'E' || i, 'K' || i FROM generate_series(1, :rows) i;
ALTER TABLE events REPLICA IDENTITY FULL;
