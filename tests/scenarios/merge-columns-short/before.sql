CREATE TABLE users (id bigint PRIMARY KEY, area text, number text);
INSERT INTO users SELECT i, '0' || i % 100, i::text FROM generate_series(1, :rows) i;
