WITH w AS (UPDATE orders SET total = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (INSERT INTO orders VALUES (:n, :id % 100 + 1, 'R:n', :n) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
