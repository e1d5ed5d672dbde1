SELECT l.id, l.value, u.note FROM scene.last l LEFT JOIN sales."Order Items" u USING (id) WHERE u.note IS DISTINCT FROM l.value
