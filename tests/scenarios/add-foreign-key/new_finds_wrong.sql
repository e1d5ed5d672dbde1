SELECT l.id, l.value, o.user_id FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.user_id::text IS DISTINCT FROM l.value
