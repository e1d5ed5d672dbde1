WITH w AS (UPDATE users SET fax = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, fax) VALUES (:n, 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
