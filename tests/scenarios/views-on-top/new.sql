WITH w AS (UPDATE customers SET mail = 'U:n@x' WHERE id = :id AND EXISTS (SELECT FROM customers_by_mail) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n@x' FROM w;
-- or
WITH w AS (INSERT INTO customers (id, mail) VALUES (:n, 'I:n@x') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n@x' FROM w;
-- or
WITH w AS (DELETE FROM customers WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
REFRESH MATERIALIZED VIEW mail_domains;
-- or
REFRESH MATERIALIZED VIEW customers_in_all;
