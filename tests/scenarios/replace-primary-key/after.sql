ALTER TABLE orders ALTER id TYPE bigint;
ALTER TABLE order_items ALTER order_id TYPE bigint;
