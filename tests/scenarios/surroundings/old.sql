SET LOCAL ROLE scene_reader;
UPDATE sales."Order Items" SET "First" = 'U:n' WHERE "Id" = :id;
RESET ROLE;
INSERT INTO scene.wrote (id, value) SELECT "Id", 'U:n' FROM sales."Order Items" WHERE "Id" = :id;
-- or
SET LOCAL ROLE scene_reader;
INSERT INTO sales."Order Items" ("Id", "First", "Last", "Qty") VALUES (:n, 'I:n', 'Last ', 3);
RESET ROLE;
INSERT INTO scene.wrote (id, value) VALUES (:n, 'I:n');
-- or
WITH w AS (DELETE FROM sales."Order Items" WHERE "Id" = :id RETURNING "Id")
INSERT INTO scene.wrote (id, value) SELECT "Id", NULL FROM w;
-- or
UPDATE sales."Orders" SET "No" = -"No" WHERE "No" IN (:id % 49 + 1, -(:id % 49 + 1));
-- or
WITH w AS (UPDATE sales."Names of Items" SET "First" = 'V:n' WHERE "Id" = :id RETURNING "Id")
INSERT INTO scene.wrote (id, value) SELECT "Id", 'V:n' FROM w;
