WITH w AS (UPDATE old_carts SET owner = 'O:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'O:n' FROM w;
-- or
UPDATE orders SET total = old_total(:id) + 1 WHERE id = :id;
-- or
SELECT total FROM old_report;
