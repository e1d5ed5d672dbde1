SELECT l.id, l.value, concat_ws(' ', o.remark, o.amount) FROM scene.last l LEFT JOIN orders o USING (id)
WHERE CASE WHEN o.id IS NOT NULL THEN concat_ws(' ', o.remark, o.amount) END IS DISTINCT FROM l.value
UNION ALL
SELECT id, weight::text, big::text FROM orders WHERE big IS DISTINCT FROM (coalesce(weight, 0) > 100)
