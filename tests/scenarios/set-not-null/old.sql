WITH w AS (UPDATE users SET city = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, city) VALUES (:n, 'B:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'B:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE users SET name = 'O:n' WHERE id = :id;
