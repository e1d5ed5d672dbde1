BEGIN;

-- Running upgrade ae1027a6acf4 -> 1975ea83b712

CREATE TABLE order_items (
    id BIGSERIAL NOT NULL, 
    order_id INTEGER NOT NULL, 
    sku VARCHAR(40) NOT NULL, 
    qty INTEGER DEFAULT '1' NOT NULL, 
    PRIMARY KEY (id), 
    CONSTRAINT uq_items_order_sku UNIQUE (order_id, sku), 
    CONSTRAINT ck_items_qty CHECK (qty > 0)
);

ALTER TABLE order_items ADD CONSTRAINT fk_items_order FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE;

CREATE INDEX ix_order_items_sku ON order_items (sku);

ALTER TABLE orders ADD COLUMN note VARCHAR(200);

COMMENT ON COLUMN orders.note IS 'what the customer wrote';

UPDATE alembic_version SET version_num='1975ea83b712' WHERE alembic_version.version_num = 'ae1027a6acf4';

COMMIT;
