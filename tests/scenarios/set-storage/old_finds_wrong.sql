SELECT l.id, l.value, o.kind FROM scene.last l LEFT JOIN events o USING (id) WHERE o.kind IS DISTINCT FROM l.value
