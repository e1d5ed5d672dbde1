SELECT l.id, l.value, i.qty FROM scene.last l LEFT JOIN items i USING (id) WHERE i.qty::text IS DISTINCT FROM l.value
