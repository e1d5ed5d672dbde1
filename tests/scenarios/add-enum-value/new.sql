WITH w AS (UPDATE orders SET status = 'refunded' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'refunded' FROM w;
