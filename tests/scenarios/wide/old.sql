WITH w AS (UPDATE measures SET c600 = :n, c1 = 5 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (INSERT INTO measures (id, c600, c2) VALUES (:n, :n, 1) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (DELETE FROM measures WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
