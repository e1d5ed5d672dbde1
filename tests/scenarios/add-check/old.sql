WITH w AS (UPDATE items SET qty = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (INSERT INTO items (id, qty) VALUES (:n, :n) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
WITH w AS (DELETE FROM items WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE items SET note = 'O:n' WHERE id = :id AND qty > 0;
