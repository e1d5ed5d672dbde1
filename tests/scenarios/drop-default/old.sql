WITH w AS (UPDATE orders SET status = 'sent' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'sent' FROM w;
-- or
WITH w AS (INSERT INTO orders (id) VALUES (:n) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'new' FROM w;
