ALTER TABLE orders ALTER status SET DEFAULT 'open';
COMMENT ON COLUMN orders.status IS 'open, paid or sent';
