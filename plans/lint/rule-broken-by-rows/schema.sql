CREATE TABLE users (id bigint PRIMARY KEY, city text);
INSERT INTO users SELECT i, CASE WHEN i % 2 = 0 THEN 'Oslo' END FROM generate_series(1, 1000) i;
ANALYZE users;
