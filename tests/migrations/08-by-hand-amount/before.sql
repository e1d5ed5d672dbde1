CREATE TABLE orders (id bigint PRIMARY KEY, amount integer NOT NULL, paid text NOT NULL DEFAULT 'no');
CREATE INDEX orders_old_idx ON orders (amount);
CREATE TABLE old_carts (id bigint PRIMARY KEY, owner text);
INSERT INTO orders SELECT g, g, CASE WHEN g % 2 = 0 THEN 'yes' ELSE 'no' END FROM generate_series(1, 300) g;
INSERT INTO old_carts VALUES (1, 'nobody');
