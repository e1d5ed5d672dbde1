CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz, customer_id bigint, reference text, total numeric, open boolean);
INSERT INTO orders SELECT i, '2026-01-01', i % 7, 'R' || i, i, i % 2 = 0 FROM generate_series(1, :rows) i;
