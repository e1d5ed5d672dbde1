WITH w AS (UPDATE orders SET remark = 'R:n', total = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'R:n' FROM w;
-- or
INSERT INTO order_notes VALUES (:n, 'N:n');
