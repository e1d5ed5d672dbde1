WITH w AS (UPDATE customers SET mail = 'U:n@x' WHERE id = :id AND EXISTS (SELECT FROM customers_by_fax) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n@x' FROM w;
-- or
WITH w AS (UPDATE customers_by_fax SET fax = 'F:n' WHERE id = :id RETURNING id)
SELECT count(*) FROM w, fax_codes;
-- or
WITH w AS (INSERT INTO customers (id, mail, fax) VALUES (:n, 'I:n@x', 'F:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n@x' FROM w;
-- or
WITH w AS (DELETE FROM customers WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
REFRESH MATERIALIZED VIEW CONCURRENTLY fax_codes;
