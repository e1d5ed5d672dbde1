WITH w AS (UPDATE bookings SET title = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO bookings (id, room, begins, ends, title) VALUES (:n, 1000000 + :n, '2030-01-01', '2030-01-02', 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM bookings WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
