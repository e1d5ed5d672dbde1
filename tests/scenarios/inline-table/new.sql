WITH w AS (UPDATE users SET street = 'N:n', city = 'c' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, street) VALUES (:n, 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (UPDATE users SET street = NULL, city = NULL WHERE id = :id AND id % 3 = 0 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
