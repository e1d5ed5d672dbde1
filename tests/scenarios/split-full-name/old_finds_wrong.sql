SELECT l.id, l.value, u.full_name FROM scene.last l LEFT JOIN users u USING (id)
WHERE u.full_name IS DISTINCT FROM l.value
