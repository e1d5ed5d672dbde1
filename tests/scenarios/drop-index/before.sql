CREATE TABLE orders (id bigint PRIMARY KEY, total numeric CONSTRAINT orders_total_check CHECK (total >= 0));
INSERT INTO orders SELECT i, i FROM generate_series(1, :rows) i;
CREATE INDEX orders_old_idx ON orders (total DESC) WHERE total > 7;
COMMENT ON INDEX orders_old_idx IS 'old';
COMMENT ON CONSTRAINT orders_total_check ON orders IS 'no debts';
