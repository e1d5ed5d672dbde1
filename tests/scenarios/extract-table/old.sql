WITH w AS (UPDATE users SET street = 'O:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'O:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, street, city) VALUES (:n, 'B:n', 'c') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'B:n' FROM w;
-- or
WITH w AS (UPDATE users SET street = NULL, city = '' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id AND id % 2 = 0 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
