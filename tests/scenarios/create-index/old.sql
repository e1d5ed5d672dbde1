WITH w AS (UPDATE orders SET reference = 'R:n', open = NOT open WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'R:n' FROM w;
-- or
WITH w AS (INSERT INTO orders (id, placed_at, reference, open) VALUES (:n, now(), 'Born:n', true) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born:n' FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
