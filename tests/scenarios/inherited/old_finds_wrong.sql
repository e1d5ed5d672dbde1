SELECT l.id, l.value, p.name FROM scene.last l LEFT JOIN places p USING (id) WHERE p.name IS DISTINCT FROM l.value OR p.people NOT BETWEEN 5 AND 7
