SELECT l.id, l.value, o.paid FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.paid IS DISTINCT FROM l.value::boolean
