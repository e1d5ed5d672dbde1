SELECT l.id, l.value, u.fax FROM scene.last l LEFT JOIN users u USING (id) WHERE u.fax IS DISTINCT FROM l.value
