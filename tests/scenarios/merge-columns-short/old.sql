WITH w AS (UPDATE users SET area = '03', number = ':n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '03-:n' FROM w;
-- or
WITH w AS (UPDATE users SET number = ':n' WHERE id = :id RETURNING id, area)
INSERT INTO scene.wrote (id, value) SELECT id, area || '-:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, area, number) VALUES (:n, '09', ':n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, '09-:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
