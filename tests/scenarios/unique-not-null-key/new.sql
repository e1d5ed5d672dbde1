WITH w AS (UPDATE log SET line = 'u :n', kind = 'u' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'u :n' FROM w;
-- or
WITH w AS (INSERT INTO log (id, line, kind) VALUES (:n, 'i :n', 'i') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'i :n' FROM w;
-- or
WITH w AS (DELETE FROM log WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
