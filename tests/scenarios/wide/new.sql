WITH w AS (UPDATE measures SET c600 = :n, c1 = 5, total = 5 + coalesce(c1190, 0) WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (INSERT INTO measures (id, c600, c1, total) VALUES (:n, :n, 1, 1) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (DELETE FROM measures WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
