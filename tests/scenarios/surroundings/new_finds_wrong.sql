SELECT l.id, l.value, o."First" FROM scene.last l LEFT JOIN sales."Order Items" o ON o."Id" = l.id WHERE o."First" IS DISTINCT FROM l.value
UNION ALL
SELECT "Id", "First" || ' ' || "Last", "Full Name" FROM sales."Order Items" WHERE "Full Name" IS DISTINCT FROM "First" || ' ' || "Last"
