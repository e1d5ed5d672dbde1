CREATE TABLE products (id bigint PRIMARY KEY, tenant int NOT NULL, code text, name text);
INSERT INTO products SELECT i, i % 5, 'C' || i / 10, 'N' || i FROM generate_series(1, :rows) i;
