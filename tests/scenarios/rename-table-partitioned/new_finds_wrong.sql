SELECT l.id, l.value, u.note FROM scene.last l LEFT JOIN sales."Lines, of orders" u USING (id) WHERE u.note IS DISTINCT FROM l.value
