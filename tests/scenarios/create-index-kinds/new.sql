WITH w AS (UPDATE documents SET title = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO documents (id, reference, title, tags, added) VALUES (:n, 'R:n', 'I:n', ARRAY['a'], now()) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
