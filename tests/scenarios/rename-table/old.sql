WITH w AS (UPDATE users SET name = 'N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, mail) VALUES (:n, 'B:n') RETURNING id, name)
INSERT INTO scene.wrote (id, value) SELECT id, name FROM w;
-- or
WITH w AS (INSERT INTO users (id, name) VALUES (:id, 'U:n') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
SELECT id FROM users WHERE id = :id FOR UPDATE;
UPDATE users SET "Shoe Size" = :n % 50 WHERE id = :id;
-- or
LOCK TABLE users IN ROW EXCLUSIVE MODE;
UPDATE users u SET mail = NULL FROM orders o WHERE o.user_id = u.id AND o.id = :id;
