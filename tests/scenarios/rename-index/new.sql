WITH w AS (UPDATE orders SET status = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO orders (id, status) VALUES (:n, 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
