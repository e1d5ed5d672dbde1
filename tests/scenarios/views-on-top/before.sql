CREATE TABLE customers (id bigint PRIMARY KEY, mail text NOT NULL DEFAULT 'a@b', fax text);
INSERT INTO customers SELECT i, 'M' || i || '@example.org', 'F' || i FROM generate_series(1, :rows) i;
CREATE VIEW customers_by_fax AS SELECT id, fax FROM customers;
GRANT SELECT ON customers_by_fax TO scene_reader;
COMMENT ON VIEW customers_by_fax IS 'who has one';
CREATE MATERIALIZED VIEW fax_codes AS SELECT left(fax, 3) AS code, count(*) AS customers FROM customers GROUP BY 1;
CREATE UNIQUE INDEX fax_codes_code ON fax_codes (code);
CREATE MATERIALIZED VIEW customers_in_all AS SELECT count(*) FROM customers;
