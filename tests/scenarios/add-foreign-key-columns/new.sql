WITH w AS (UPDATE lines SET tenant = :n % 5, order_no = :n % 50 WHERE id = :id RETURNING id, order_no)
INSERT INTO scene.wrote (id, value) SELECT id, order_no::text FROM w;
-- or
WITH w AS (INSERT INTO lines (id, tenant, order_no) VALUES (:n, :n % 5, :n % 50) RETURNING id, order_no)
INSERT INTO scene.wrote (id, value) SELECT id, order_no::text FROM w;
-- or
WITH w AS (INSERT INTO lines (id, tenant) VALUES (:n, 99) RETURNING id, order_no)
INSERT INTO scene.wrote (id, value) SELECT id, order_no::text FROM w;
-- or
WITH w AS (DELETE FROM lines WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
INSERT INTO orders VALUES (7, :n);
