SELECT l.id, l.value, o.amount FROM scene.last l LEFT JOIN sales."Order Items" o USING (id)
WHERE (o.amount * 100)::bigint IS DISTINCT FROM l.value::bigint
