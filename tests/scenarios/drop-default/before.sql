CREATE TABLE orders (id bigint PRIMARY KEY, status text DEFAULT 'new'::text);
INSERT INTO orders SELECT i, 'new' FROM generate_series(1, :rows) i;
