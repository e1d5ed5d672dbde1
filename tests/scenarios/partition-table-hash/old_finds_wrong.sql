SELECT l.id, l.value, o.note FROM scene.last l LEFT JOIN sales."Order Items" o USING (id) WHERE o.note IS DISTINCT FROM l.value
