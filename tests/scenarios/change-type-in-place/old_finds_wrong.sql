SELECT l.id, l.value, o.amount FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.amount::text IS DISTINCT FROM l.value::text
