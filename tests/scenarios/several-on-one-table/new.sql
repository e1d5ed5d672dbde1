WITH w AS (UPDATE orders SET amount = :n, weight = :n % 150, big = :n % 150 > 100, remark = 'N:n' WHERE id = :id RETURNING id, concat_ws(' ', remark, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (UPDATE orders SET remark = 'R:n', amount = :n WHERE id = :id RETURNING id, concat_ws(' ', remark, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (INSERT INTO orders (id, remark, amount, weight, big) VALUES (:n, 'Born:n', :n, 5, false) RETURNING id, concat_ws(' ', remark, amount) AS now)
INSERT INTO scene.wrote (id, value) SELECT id, now FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
