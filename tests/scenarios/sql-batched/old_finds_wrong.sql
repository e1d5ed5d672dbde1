SELECT l.id, l.value, e.payload FROM scene.last l LEFT JOIN events e USING (id) WHERE e.payload ->> 'v' IS DISTINCT FROM l.value
