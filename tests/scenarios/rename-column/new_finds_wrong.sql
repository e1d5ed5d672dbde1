SELECT l.id, l.value, u.email FROM scene.last l LEFT JOIN users u USING (id) WHERE u.email IS DISTINCT FROM l.value
