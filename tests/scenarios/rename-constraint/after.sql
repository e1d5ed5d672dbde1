ALTER TABLE orders RENAME CONSTRAINT orders_reference_key TO orders_reference_unique;
