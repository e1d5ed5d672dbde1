SELECT l.id, l.value, concat_ws(' ', o.note, o.amount) FROM scene.last l LEFT JOIN orders o USING (id)
WHERE CASE WHEN o.id IS NOT NULL THEN concat_ws(' ', o.note, o.amount) END IS DISTINCT FROM l.value
