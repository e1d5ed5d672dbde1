CREATE TABLE orders (tenant int, no bigint, PRIMARY KEY (tenant, no));
INSERT INTO orders SELECT i % 5, i FROM generate_series(0, 99) i;
CREATE TABLE lines (id bigint PRIMARY KEY, tenant int NOT NULL, order_no bigint);
INSERT INTO lines SELECT i, i % 5, i % 120 FROM generate_series(1, :rows) i;
