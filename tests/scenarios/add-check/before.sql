CREATE TABLE items (id bigint PRIMARY KEY, qty int, note text);
INSERT INTO items SELECT i, i % 7, 'N' || i FROM generate_series(1, :rows) i;
