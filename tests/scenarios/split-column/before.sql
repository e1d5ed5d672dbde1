CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text);
INSERT INTO users SELECT i, 'First' || i || ' Last' || i, i || '@example.org' FROM generate_series(1, :rows) i;

