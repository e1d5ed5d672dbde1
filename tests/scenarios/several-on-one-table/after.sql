ALTER TABLE orders RENAME note TO remark;
ALTER TABLE orders ALTER amount TYPE bigint, ADD CONSTRAINT orders_weight_check CHECK (weight >= 0), ADD big boolean NOT NULL,
  ALTER channel SET DEFAULT 'web', ALTER channel SET NOT NULL;
COMMENT ON COLUMN orders.channel IS 'where it came from';
