WITH w AS (UPDATE users SET name = 'F:n L:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'F:n L:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name) VALUES (:n, 'Born L:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born L:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name) VALUES (:id, 'Up L:n')
           ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Up L:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE users SET email = ':n@example.org' WHERE id = :id;
