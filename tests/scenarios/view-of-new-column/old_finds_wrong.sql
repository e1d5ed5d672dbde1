SELECT l.id, l.value, u.name FROM scene.last l LEFT JOIN users u USING (id) WHERE u.name IS DISTINCT FROM l.value
