CREATE TABLE users (id bigint PRIMARY KEY, name text);
INSERT INTO users SELECT i, 'Name' || i FROM generate_series(1, :rows) i;
