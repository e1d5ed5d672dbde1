SELECT l.id, l.value, u.street, u.city FROM scene.last l LEFT JOIN users u USING (id)
WHERE u.street || ' ' || u.city IS DISTINCT FROM l.value
