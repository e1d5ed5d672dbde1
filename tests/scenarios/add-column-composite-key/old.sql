WITH w AS (UPDATE lines SET name = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO lines (shop, id, name) VALUES ('S9', :n, 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM lines WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
