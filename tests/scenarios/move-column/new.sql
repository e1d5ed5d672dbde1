WITH w AS (UPDATE profiles SET phone = 'N:n' WHERE user_id = :id RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'N:n' FROM w;
-- or
INSERT INTO users (id, name) VALUES (:n, 'Born:n');
WITH w AS (INSERT INTO profiles (user_id, phone) VALUES (:n, 'I:n') RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id AND id % 3 = 0 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE profiles SET bio = 'B:n' WHERE user_id = :id;
