CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent');
CREATE TABLE orders (id bigint PRIMARY KEY, status order_status DEFAULT 'new', total numeric CONSTRAINT orders_total_check CHECK (total >= 0));
INSERT INTO orders SELECT i, 'new', i FROM generate_series(1, :rows) i;
CREATE INDEX orders_open_idx ON orders (id) WHERE status = 'new';
CREATE VIEW open_orders AS SELECT id FROM orders WHERE status <> 'sent';
COMMENT ON COLUMN orders.total IS 'it''s in euros';
COMMENT ON CONSTRAINT orders_total_check ON orders IS 'old';
