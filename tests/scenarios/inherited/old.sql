WITH w AS (UPDATE places SET name = 'U:n', people = 7 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO places (id, name, people) VALUES (:n, 'I:n', 5) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (INSERT INTO old_capitals (id, name, people, country) VALUES (:n, 'C:n', 6, 'zz') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'C:n' FROM w;
-- or
WITH w AS (DELETE FROM places WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
