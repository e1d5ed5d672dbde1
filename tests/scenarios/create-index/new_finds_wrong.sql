SELECT l.id, l.value, o.reference FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.reference IS DISTINCT FROM l.value
