WITH w AS (UPDATE orders SET paid = true WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'true' FROM w;
-- or
WITH w AS (UPDATE orders SET paid = false WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'false' FROM w;
-- or
WITH w AS (INSERT INTO orders (id, paid) VALUES (:n, true) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'true' FROM w;
