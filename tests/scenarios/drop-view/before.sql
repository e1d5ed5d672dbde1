CREATE TABLE sales (id bigint PRIMARY KEY, at date, amount numeric);
INSERT INTO sales SELECT i, '2026-01-01', i FROM generate_series(1, :rows) i;
CREATE VIEW monthly_totals AS SELECT date_trunc('month', at) AS month, sum(amount) AS total FROM sales GROUP BY 1;
GRANT SELECT ON monthly_totals TO scene_reader;
COMMENT ON VIEW monthly_totals IS 'months';
CREATE FUNCTION totals_of(n integer, since date) RETURNS integer LANGUAGE sql STABLE AS 'SELECT n';
REVOKE EXECUTE ON FUNCTION totals_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION totals_of TO scene_reader;
