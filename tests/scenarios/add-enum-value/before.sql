CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent');
CREATE TABLE orders (id bigint PRIMARY KEY, status order_status NOT NULL);
INSERT INTO orders SELECT i, 'new' FROM generate_series(1, :rows) i;
