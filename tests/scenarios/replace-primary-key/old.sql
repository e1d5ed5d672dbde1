WITH w AS (UPDATE orders SET note = 'N:n' WHERE id = :id RETURNING id, note)
INSERT INTO scene.wrote (id, value) SELECT id, note FROM w;
-- or
WITH o AS (INSERT INTO orders (note) VALUES ('Born:n') RETURNING id, note), i AS (
  INSERT INTO order_items (id, order_id, note) SELECT :n, id, 'First' FROM o)
INSERT INTO scene.wrote (id, value) SELECT id, note FROM o;
-- or
INSERT INTO order_items (id, order_id, note) SELECT :n, id, 'More' FROM orders WHERE id = :id FOR KEY SHARE;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
