WITH w AS (UPDATE reviews SET rating = (:n % 5 + 1)::text WHERE id = :id RETURNING id, rating)
INSERT INTO scene.wrote (id, value) SELECT id, rating FROM w;
-- or
WITH w AS (INSERT INTO reviews (id, book, rating) VALUES (:n, 'New:n', (:n % 3 + 1)::text) RETURNING id, rating)
INSERT INTO scene.wrote (id, value) SELECT id, rating FROM w;
-- or
WITH w AS (DELETE FROM reviews WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
