WITH w AS (UPDATE products SET code = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO products (id, tenant, code) VALUES (:n, :n % 5, 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (INSERT INTO products (id, tenant) VALUES (:n, 1) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
WITH w AS (DELETE FROM products WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
UPDATE products SET name = 'O:n' WHERE id = :id;
