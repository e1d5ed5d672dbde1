WITH w AS (UPDATE sales."Order Items" SET "First" = 'U:n', "Full Name" = 'U:n ' || "Last" WHERE "Id" = :id RETURNING "Id")
INSERT INTO scene.wrote (id, value) SELECT "Id", 'U:n' FROM w;
-- or
WITH w AS (INSERT INTO sales."Order Items" ("Id", "First", "Last", "Qty", "Full Name") VALUES (:n, 'I:n', 'Last', 3, 'I:n Last') RETURNING "Id")
INSERT INTO scene.wrote (id, value) SELECT "Id", 'I:n' FROM w;
-- or
WITH w AS (DELETE FROM sales."Order Items" WHERE "Id" = :id RETURNING "Id")
INSERT INTO scene.wrote (id, value) SELECT "Id", NULL FROM w;
-- or
UPDATE sales."Orders" SET "No" = -"No" WHERE "No" IN (:id % 49 + 1, -(:id % 49 + 1));
-- or
SET LOCAL ROLE scene_reader;
UPDATE sales."Order Items" SET "First" = "First" WHERE "Id" = :id;
