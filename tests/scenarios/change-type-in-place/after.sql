ALTER TABLE orders ALTER COLUMN amount TYPE bigint, ALTER COLUMN serial_no TYPE bigint, ALTER COLUMN tariff TYPE bigint;
