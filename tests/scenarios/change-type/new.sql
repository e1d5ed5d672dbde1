WITH w AS (UPDATE sales."Order Items" SET amount_cents = :n % 100000 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, (:n % 100000)::text FROM w;
-- or
WITH w AS (INSERT INTO sales."Order Items" (id, amount_cents) VALUES (:n, 888) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '888' FROM w;
