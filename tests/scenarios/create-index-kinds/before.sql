CREATE TABLE documents (id bigint PRIMARY KEY, reference text, title text, tags text[], added timestamptz);
INSERT INTO documents SELECT i, 'R' || i, 'T' || i, ARRAY['x', 'y'], now() FROM generate_series(1, :rows) i;
