CREATE TABLE tariffs (price integer PRIMARY KEY);
INSERT INTO tariffs SELECT i FROM generate_series(0, 99) i;
CREATE TABLE orders (id bigint PRIMARY KEY, note text, amount integer NOT NULL DEFAULT 1 CONSTRAINT amount_positive CHECK (amount >= 0),
  serial_no integer, tariff integer CONSTRAINT of_tariff REFERENCES tariffs (price), paid integer DEFAULT 0);
INSERT INTO orders SELECT i, 'Note' || i, i % 1000, i, i % 100, i FROM generate_series(1, :rows) i;
CREATE INDEX orders_amount_idx ON orders (amount) WHERE amount > 10;
CREATE INDEX orders_note_amount ON orders (note) INCLUDE (amount);
ALTER TABLE orders ADD CONSTRAINT one_serial UNIQUE (serial_no);
COMMENT ON COLUMN orders.amount IS 'in cents';
GRANT UPDATE (amount) ON orders TO scene_reader;
ALTER TABLE orders ALTER COLUMN amount SET STATISTICS 250;
