WITH w AS (UPDATE users SET name = 'N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name) VALUES (:n, 'New:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'New:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
