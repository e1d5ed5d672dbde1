SELECT l.id, l.value, u.area, u.number FROM scene.last l LEFT JOIN users u USING (id)
WHERE u.area || '-' || u.number IS DISTINCT FROM l.value
