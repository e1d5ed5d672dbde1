WITH w AS (UPDATE orders SET user_id = :id % 50 + 1 WHERE id = :id RETURNING id, user_id)
INSERT INTO scene.wrote (id, value) SELECT id, user_id::text FROM w;
-- or
WITH w AS (INSERT INTO orders (id, user_id) VALUES (:n, :n % 50 + 1) RETURNING id, user_id)
INSERT INTO scene.wrote (id, value) SELECT id, user_id::text FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
INSERT INTO users VALUES (:n);
