WITH w AS (UPDATE log SET line = 'u :n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'u :n' FROM w;
-- or
WITH w AS (INSERT INTO log (id, line) VALUES (:n, 'i :n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'i :n' FROM w;
-- or
WITH w AS (DELETE FROM log WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
