CREATE TABLE users (id bigint PRIMARY KEY, city text, name text);
INSERT INTO users SELECT i, CASE WHEN i % 5 > 0 THEN 'C' || i END, 'N' || i FROM generate_series(1, :rows) i;
