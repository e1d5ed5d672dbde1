DO $$ BEGIN EXECUTE 'CREATE TABLE measures (id bigint PRIMARY KEY, note text, ' || (SELECT string_agg('c' || i || ' int', ', ' ORDER BY i) FROM generate_series(1, 1190) i) || ')'; END $$;
INSERT INTO measures (id, note, c1, c600, c601, c1190) SELECT i, 'N' || i, i, i, i, i FROM generate_series(1, :rows) i;
DO $$ BEGIN EXECUTE 'UPDATE measures SET (' || (SELECT string_agg('c' || i, ', ' ORDER BY i) FROM generate_series(10, 500) i) || ') = (' || (SELECT string_agg(i::text, ', ' ORDER BY i) FROM generate_series(10, 500) i) || ') WHERE id % 3 = 0'; END $$;
