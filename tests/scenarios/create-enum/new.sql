WITH w AS (UPDATE orders SET total = :n WHERE 'paid'::order_status IS NOT NULL AND id = :id AND id IN (SELECT id FROM open_orders) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
