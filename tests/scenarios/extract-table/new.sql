WITH w AS (UPDATE addresses SET street = 'N:n' WHERE user_id = :id RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'N:n' FROM w;
-- or
INSERT INTO users (id, name) VALUES (:n, 'Born:n');
WITH w AS (INSERT INTO addresses (user_id, street) VALUES (:n, 'I:n') RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'I:n' FROM w;
-- or
WITH w AS (INSERT INTO addresses (user_id, street, city) SELECT id, 'U:n', 'u' FROM users WHERE id = :id FOR KEY SHARE ON CONFLICT (user_id) DO UPDATE SET street = excluded.street RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM addresses WHERE user_id = :id RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, NULL FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id AND id % 5 = 0 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
