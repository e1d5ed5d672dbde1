SELECT l.id, l.value, o.code FROM scene.last l LEFT JOIN products o USING (id) WHERE o.code IS DISTINCT FROM l.value
