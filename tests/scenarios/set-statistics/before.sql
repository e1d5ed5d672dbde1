CREATE TABLE events (id bigint PRIMARY KEY, kind text, payload text);
INSERT INTO events SELECT i, 'K' || i, 'P' FROM generate_series(1, :rows) i;
ALTER TABLE events ALTER kind SET STATISTICS 7;
