WITH w AS (UPDATE sales."Lines, of orders" SET note = 'N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO sales."Lines, of orders" (id) VALUES (:n) RETURNING id, note)
INSERT INTO scene.wrote (id, value) SELECT id, note FROM w;
-- or
WITH w AS (INSERT INTO sales."Lines, of orders" (id, note) VALUES (:id, 'U:n') ON CONFLICT (id, part) DO UPDATE SET note = excluded.note RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM sales."Lines, of orders" WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
