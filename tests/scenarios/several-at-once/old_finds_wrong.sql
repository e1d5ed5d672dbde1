SELECT l.id, l.value, r.rating FROM scene.last l LEFT JOIN reviews r USING (id) WHERE r.rating IS DISTINCT FROM l.value
