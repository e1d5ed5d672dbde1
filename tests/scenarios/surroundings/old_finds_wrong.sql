SELECT l.id, l.value, o."First" FROM scene.last l LEFT JOIN sales."Order Items" o ON o."Id" = l.id WHERE o."First" IS DISTINCT FROM l.value
UNION ALL
SELECT "Id", 'not touched', "Last" FROM sales."Order Items" WHERE "Updated At" IS NULL OR "Last" LIKE '% '
UNION ALL
SELECT l.id, 'not audited', l.value FROM scene.last l WHERE NOT EXISTS (SELECT FROM sales.audit WHERE item = l.id)
