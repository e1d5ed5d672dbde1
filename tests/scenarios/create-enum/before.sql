CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
INSERT INTO orders SELECT i, i FROM generate_series(1, :rows) i;
