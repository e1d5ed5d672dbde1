CREATE SCHEMA sales;
CREATE TABLE sales."Order Items" (id bigint NOT NULL, part int NOT NULL DEFAULT 0, note text DEFAULT 'none', PRIMARY KEY (id, part))
  PARTITION BY LIST (part);
CREATE TABLE sales.items_0 PARTITION OF sales."Order Items" FOR VALUES IN (0);
CREATE TABLE sales.items_rest PARTITION OF sales."Order Items" DEFAULT;
INSERT INTO sales."Order Items" (id, note) SELECT i, 'N' || i FROM generate_series(1, :rows) i;
CREATE INDEX item_notes ON sales."Order Items" (note);
GRANT USAGE ON SCHEMA sales TO scene_reader;
GRANT SELECT ON sales."Order Items" TO PUBLIC;
