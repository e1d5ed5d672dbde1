WITH w AS (UPDATE orders SET remark = 'R:n', total = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'R:n' FROM w;
