WITH w AS (UPDATE carts SET owner = 'O:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'O:n' FROM w;
-- or
UPDATE orders SET total = :n % 1000 WHERE id = :id;
