SELECT l.id, l.value, m.c600 FROM scene.last l LEFT JOIN measures m USING (id) WHERE m.c600 IS DISTINCT FROM l.value::bigint
