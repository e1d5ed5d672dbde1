CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO users SELECT i, 'Name' || i FROM generate_series(1, :rows) i;
