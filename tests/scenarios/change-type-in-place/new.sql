WITH w AS (UPDATE orders SET amount = :n WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (INSERT INTO orders (id, note, amount, serial_no) VALUES (:n, 'Born:n', :n, :n) RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (INSERT INTO orders (id, amount) VALUES (:id, :n) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, :n FROM w;
-- or
WITH w AS (DELETE FROM orders WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
WITH w AS (UPDATE orders SET amount = amount / 2, tariff = :n % 100, note = 'N:n' WHERE id = :id RETURNING id, amount)
INSERT INTO scene.wrote (id, value) SELECT id, amount FROM w;
