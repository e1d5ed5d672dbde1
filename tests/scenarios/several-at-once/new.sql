WITH w AS (UPDATE reviews SET stars = (:n % 5 + 1) WHERE id = :id RETURNING id, stars)
INSERT INTO scene.wrote (id, value) SELECT id, stars::text FROM w;
-- or
WITH w AS (INSERT INTO reviews (id, book, stars) VALUES (:n, 'New:n', (:n % 3 + 1)) RETURNING id, stars)
INSERT INTO scene.wrote (id, value) SELECT id, stars::text FROM w;
-- or
WITH w AS (DELETE FROM reviews WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
