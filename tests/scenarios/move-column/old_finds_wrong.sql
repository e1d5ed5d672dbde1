SELECT l.id, l.value, u.phone FROM scene.last l LEFT JOIN users u USING (id) WHERE u.phone IS DISTINCT FROM l.value
