SELECT l.id, l.value, u.first_name, u.last_name FROM scene.last l LEFT JOIN users u USING (id)
WHERE u.first_name || ' ' || u.last_name IS DISTINCT FROM l.value
