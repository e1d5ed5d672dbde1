SELECT l.id, l.value, r.stars FROM scene.last l LEFT JOIN reviews r USING (id) WHERE r.stars::text IS DISTINCT FROM l.value
