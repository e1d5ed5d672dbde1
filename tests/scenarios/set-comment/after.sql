COMMENT ON TABLE orders IS 'What customers have bought';
COMMENT ON COLUMN orders.total IS 'In cents, with tax';
COMMENT ON CONSTRAINT orders_total_check ON orders IS 'No debts';
COMMENT ON INDEX orders_open_idx IS 'The list in the shop''s back office';
COMMENT ON VIEW open_orders IS 'Not yet sent';
COMMENT ON TYPE order_status IS 'What has become of an order';
