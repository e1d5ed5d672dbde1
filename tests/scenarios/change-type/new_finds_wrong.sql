SELECT l.id, l.value, o.amount_cents FROM scene.last l LEFT JOIN sales."Order Items" o USING (id)
WHERE o.amount_cents IS DISTINCT FROM l.value::bigint
