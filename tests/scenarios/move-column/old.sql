WITH w AS (UPDATE users SET phone = 'O:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'O:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name, phone) VALUES (:n, 'Born:n', 'B:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'B:n' FROM w;
INSERT INTO profiles (user_id, bio) VALUES (:n, 'of :n');
-- or
WITH w AS (INSERT INTO users (id, phone) VALUES (:id, 'U:n') ON CONFLICT (id) DO UPDATE SET phone = excluded.phone RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
INSERT INTO profiles (user_id, bio) VALUES (:id, 'of U:n') ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE profiles SET bio = 'N:n' WHERE user_id = :id;
-- or
UPDATE users SET name = 'N:n' WHERE id = :id;
