SELECT l.id, l.value, o.slug FROM scene.last l LEFT JOIN lines o USING (id) WHERE o.slug IS DISTINCT FROM lower(l.value)
