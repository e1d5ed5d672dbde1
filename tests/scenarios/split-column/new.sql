WITH w AS (UPDATE users SET first_name = 'F:n', last_name = 'L:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'F:n L:n' FROM w;
-- or
WITH w AS (UPDATE users SET last_name = 'L:n' WHERE id = :id RETURNING id, first_name)
INSERT INTO scene.wrote (id, value) SELECT id, first_name || ' L:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, first_name, last_name) VALUES (:n, 'Born', 'L:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born L:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE users SET email = ':n@example.org' WHERE id = :id;
