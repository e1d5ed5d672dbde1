WITH w AS (UPDATE sales."Order Items" SET note = 'N:n' WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'N:n' FROM w;
-- or
WITH w AS (INSERT INTO sales."Order Items" (note) VALUES ('I:n') RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'I:n' FROM w;
-- or
WITH w AS (INSERT INTO sales."Order Items" (id, note) VALUES (:id, 'U:n') ON CONFLICT (id) DO UPDATE SET note = excluded.note, "Qty" = "Order Items"."Qty" + 1 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, 'U:n' FROM w;
-- or
WITH w AS (DELETE FROM sales."Order Items" WHERE id = :id RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
