CREATE TABLE users (id bigint PRIMARY KEY, town text, city text, mail text);
INSERT INTO users SELECT i, 'Oslo', NULL, 'a' || i FROM generate_series(1, 1000) i;
ANALYZE users;
