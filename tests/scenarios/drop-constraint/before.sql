CREATE TABLE users (id bigint PRIMARY KEY);
INSERT INTO users SELECT i FROM generate_series(1, 100) i;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user_id_fkey REFERENCES users ON DELETE SET NULL,
  reference text CONSTRAINT orders_reference_key UNIQUE, total numeric CONSTRAINT orders_total_check CHECK (total >= 0));
INSERT INTO orders SELECT i, i % 100 + 1, 'R' || i, i FROM generate_series(1, :rows) i;
COMMENT ON CONSTRAINT orders_total_check ON orders IS 'no debts';
COMMENT ON CONSTRAINT orders_reference_key ON orders IS 'by the customer';
