WITH w AS (UPDATE users SET name = 'N:n', slug = 's:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name, slug) VALUES (:n, 'Born:n', 'b:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born:n' FROM w;
