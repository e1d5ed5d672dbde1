WITH w AS (UPDATE addresses SET street = 'O:n' WHERE user_id = :id RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'O:n' FROM w;
-- or
INSERT INTO users (id) VALUES (:n);
WITH w AS (INSERT INTO addresses (user_id, street, city) VALUES (:n, 'B:n', 'c') RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, 'B:n' FROM w;
-- or
WITH w AS (DELETE FROM addresses WHERE user_id = :id RETURNING user_id)
INSERT INTO scene.wrote (id, value) SELECT user_id, NULL FROM w;
