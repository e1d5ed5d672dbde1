WITH w AS (UPDATE users SET address = jsonb_build_object('street', 'S:n', 'city', 'C:n') WHERE id = :id AND country = 'de' RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'S:n C:n' FROM w;
-- or
WITH w AS (INSERT INTO users (id, address, country) VALUES (:n, '{"street": "New", "city": "Town"}', 'de') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'New Town' FROM w;
