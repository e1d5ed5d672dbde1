SELECT l.id, l.value, o.status FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.status::text IS DISTINCT FROM l.value
