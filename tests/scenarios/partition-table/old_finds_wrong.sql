SELECT l.id, l.value, e.kind FROM scene.last l LEFT JOIN events e USING (id) WHERE e.kind IS DISTINCT FROM l.value
