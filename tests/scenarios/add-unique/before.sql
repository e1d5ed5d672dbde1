CREATE TABLE users (id bigint PRIMARY KEY, mail text, name text);
INSERT INTO users SELECT i, 'M' || i / 2, 'N' || i FROM generate_series(1, :rows) i;
