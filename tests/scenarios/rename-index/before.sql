CREATE TABLE orders (id bigint PRIMARY KEY, placed_at date, status text);
INSERT INTO orders SELECT i, DATE '2020-01-01' + i, 'new' FROM generate_series(1, :rows) i;
CREATE INDEX orders_placed_idx ON orders (placed_at);
