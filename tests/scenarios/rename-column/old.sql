WITH w AS (UPDATE users SET mail = 'M:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'M:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name, mail) VALUES (:n, 'Born:n', 'B:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'B:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, mail) VALUES (:id, 'U:n') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE users SET name = 'N:n' WHERE id = :id;
