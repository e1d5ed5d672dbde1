SELECT l.id, l.value, o.status FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.status IS DISTINCT FROM l.value
