CREATE TABLE orders (id bigint PRIMARY KEY, status text DEFAULT 'new');
COMMENT ON COLUMN orders.status IS 'new or sent';
INSERT INTO orders SELECT i, 'new' FROM generate_series(1, :rows) i;
