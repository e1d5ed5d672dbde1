SELECT l.id, l.value, u.street FROM scene.last l LEFT JOIN users u USING (id) WHERE u.street IS DISTINCT FROM l.value
