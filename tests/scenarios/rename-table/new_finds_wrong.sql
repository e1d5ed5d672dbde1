SELECT l.id, l.value, u.name FROM scene.last l LEFT JOIN accounts u USING (id)
WHERE u.name IS DISTINCT FROM l.value OR u.loud IS DISTINCT FROM upper(l.value)
