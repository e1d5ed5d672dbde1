WITH w AS (UPDATE accounts SET name = 'N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO accounts (id, mail) VALUES (:n, 'B:n') RETURNING id, name)
INSERT INTO scene.wrote (id, value) SELECT id, name FROM w;
-- or
WITH w AS (INSERT INTO accounts (id, name) VALUES (:id, 'U:n') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM accounts WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
SELECT id FROM accounts WHERE id = :id FOR UPDATE;
UPDATE accounts SET "Shoe Size" = :n % 50 WHERE id = :id;
-- or
LOCK TABLE accounts IN ROW EXCLUSIVE MODE;
UPDATE accounts a SET mail = NULL FROM orders o WHERE o.user_id = a.id AND o.id = :id;
