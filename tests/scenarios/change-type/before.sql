CREATE SCHEMA sales;
CREATE TABLE sales."Order Items" (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL DEFAULT 0.5, note text);
COMMENT ON COLUMN sales."Order Items".amount IS 'in euros';
INSERT INTO sales."Order Items" SELECT i, i + 0.25 FROM generate_series(1, :rows) i;
