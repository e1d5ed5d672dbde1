CREATE TABLE orders (id bigint PRIMARY KEY, reference text, status text, CONSTRAINT orders_reference_key UNIQUE (reference));
INSERT INTO orders SELECT i, 'R' || i, 'new' FROM generate_series(1, :rows) i;
COMMENT ON CONSTRAINT orders_reference_key ON orders IS 'by the customer';
