WITH w AS (UPDATE parcels SET labels = ARRAY['n', ':n'], city = 'U:n', weight = weight + 1 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO parcels (id, labels, city, zip, size, during) VALUES (:n, '{i,:n}', 'I:n', 'z', 'l', '[2026-02-01,)') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM parcels WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
