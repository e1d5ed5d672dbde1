SELECT l.id, l.value, c.mail FROM scene.last l LEFT JOIN customers c USING (id) WHERE c.mail IS DISTINCT FROM l.value
