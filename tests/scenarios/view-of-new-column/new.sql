WITH w AS (UPDATE users SET name = 'N:n', phone = '+:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, name, phone) VALUES (:n, 'Born:n', '+:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'Born:n' FROM w;
-- or
SELECT phone FROM reachable WHERE id = :id;
