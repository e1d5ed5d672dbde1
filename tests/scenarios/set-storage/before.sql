CREATE TABLE events (id bigint PRIMARY KEY, kind text, payload text, note text);
INSERT INTO events SELECT i, 'K' || i, 'P', repeat('N', 50) FROM generate_series(1, :rows) i;
ALTER TABLE events ALTER note SET STORAGE external;
