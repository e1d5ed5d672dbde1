CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent');
COMMENT ON TYPE order_status IS 'what has become of an order';
CREATE VIEW open_orders AS SELECT id FROM orders WHERE total > 0;
