CREATE TABLE carts (id bigserial PRIMARY KEY, owner text NOT NULL DEFAULT 'nobody');
INSERT INTO carts (owner) SELECT 'Owner' || i FROM generate_series(1, :rows) i;
CREATE INDEX carts_owner ON carts (lower(owner));
CREATE TABLE orders (id bigint PRIMARY KEY, total int, cart_id bigint CONSTRAINT orders_cart_fkey REFERENCES carts ON DELETE SET NULL);
INSERT INTO orders SELECT i, i, i FROM generate_series(1, :rows) i;
ALTER TABLE carts OWNER TO scene_owner;
GRANT SELECT ON carts TO scene_reader;
COMMENT ON TABLE carts IS 'wanted';
