WITH w AS (UPDATE bookings SET title = 'U:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
-- Every two rows are compared with one another: what was booked a hundred numbers ago is given up.
WITH w AS (DELETE FROM bookings WHERE id > 1000000 AND id < :n - 100 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
WITH w AS (INSERT INTO bookings (id, room, begins, ends, title) VALUES (:n, 1000000 + :n, '2030-01-01', '2030-01-02', 'I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM bookings WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
