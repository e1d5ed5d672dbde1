WITH w AS (UPDATE users SET name = 'N:n', legacy = 'L:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name, legacy) VALUES (:n, 'Born:n', 'L:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
