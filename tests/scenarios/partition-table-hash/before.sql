CREATE SCHEMA sales;
CREATE TABLE sales."Order Items" (id bigserial PRIMARY KEY, "Qty" int NOT NULL DEFAULT 1, note text, at timestamp, UNIQUE (id, "Qty"));
CREATE UNIQUE INDEX "Unique Note" ON sales."Order Items" (note, id);
INSERT INTO sales."Order Items" ("Qty", note) SELECT i, 'n' || i FROM generate_series(1, :rows) i;
