WITH w AS (UPDATE users SET street = 'S:n', city = 'C:n' WHERE id = :id AND country = 'de' RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'S:n C:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, street, city, country) VALUES (:n, 'S:n', 'Born', 'de') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'S:n Born' FROM w;
