SELECT l.id, l.value, r.fahrenheit FROM scene.last l LEFT JOIN readings r USING (id) WHERE r.fahrenheit IS DISTINCT FROM l.value::numeric
