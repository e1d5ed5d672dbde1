SELECT l.id, l.value, o.title FROM scene.last l LEFT JOIN documents o USING (id) WHERE o.title IS DISTINCT FROM l.value
