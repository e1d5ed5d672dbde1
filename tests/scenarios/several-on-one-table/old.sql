WITH w AS (UPDATE orders SET amount = :n, weight = :n % 150 WHERE id = :id RETURNING id, concat_ws(' ', note, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (UPDATE orders SET note = 'N:n' WHERE id = :id RETURNING id, concat_ws(' ', note, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (INSERT INTO orders (id, note, amount, channel) VALUES (:n, 'Born:n', :n, 'tv') RETURNING id, concat_ws(' ', note, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
