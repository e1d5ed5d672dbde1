SELECT l.id, l.value, o.name FROM scene.last l LEFT JOIN users o USING (id) WHERE o.name IS DISTINCT FROM l.value
