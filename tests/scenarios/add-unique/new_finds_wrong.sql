SELECT l.id, l.value, u.mail FROM scene.last l LEFT JOIN users u USING (id) WHERE u.mail IS DISTINCT FROM l.value
