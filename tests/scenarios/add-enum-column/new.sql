WITH w AS (UPDATE orders SET paid = true, state = 'sent' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'true' FROM w;
-- or
WITH w AS (UPDATE orders SET paid = false, state = 'open' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'false' FROM w;
-- or
WITH w AS (INSERT INTO orders (id, paid, state) VALUES (:n, true, 'paid') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'true' FROM w;
