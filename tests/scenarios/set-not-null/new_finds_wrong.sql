SELECT l.id, l.value, u.city FROM scene.last l LEFT JOIN users u USING (id) WHERE u.city IS DISTINCT FROM l.value
