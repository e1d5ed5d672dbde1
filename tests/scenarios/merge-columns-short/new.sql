WITH w AS (UPDATE users SET phone = '04-:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '04-:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, phone) VALUES (:n, '08-:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '08-:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
