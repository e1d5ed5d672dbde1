WITH w AS (UPDATE parcels SET label = 'u :n', address.city = 'U:n', weight = weight + 1 WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO parcels (id, label, address, size_name, sent) VALUES (:n, 'i :n', ROW('I:n', 'z'), 'M', '2026-02-01') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (UPDATE parcels SET address = ROW('W:n', 'y'), arrived = '2027-01-01' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'W:n' FROM w;
-- or
WITH w AS (DELETE FROM parcels WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
