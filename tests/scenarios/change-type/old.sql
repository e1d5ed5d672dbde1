WITH w AS (UPDATE sales."Order Items" SET amount = :n % 100000 + 0.11 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, (:n % 100000 * 100 + 11)::text FROM w;
-- or
WITH w AS (INSERT INTO sales."Order Items" (id, amount) VALUES (:n, 7.77) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '777' FROM w;
-- or
UPDATE sales."Order Items" SET note = 'N:n' WHERE id = :id;
