CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean NOT NULL DEFAULT false);
INSERT INTO orders SELECT i, i % 3 = 0 FROM generate_series(1, :rows) i;
