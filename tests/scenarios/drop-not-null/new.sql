-- Rows without a fax would hinder the rollback: none is committed.
INSERT INTO users (id) VALUES (:n);
WITH w AS (UPDATE users SET fax = 'I:n' WHERE id = :n AND fax IS NULL RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
UPDATE users SET fax = NULL WHERE id = :id;
WITH w AS (UPDATE users SET fax = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM users WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
