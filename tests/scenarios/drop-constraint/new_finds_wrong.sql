SELECT l.id, l.value, o.total FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.total IS DISTINCT FROM l.value::numeric
