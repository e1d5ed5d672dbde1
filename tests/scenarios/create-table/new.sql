WITH w AS (UPDATE orders SET total = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, ':n' FROM w;
-- or
INSERT INTO order_notes (order_id, note, stars) SELECT id, 'N:n', 5 FROM orders WHERE id = :id FOR KEY SHARE;
