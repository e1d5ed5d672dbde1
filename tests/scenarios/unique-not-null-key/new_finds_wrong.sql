SELECT l.id, l.value, o.line FROM scene.last l LEFT JOIN log o USING (id) WHERE o.line IS DISTINCT FROM l.value
UNION ALL
SELECT id, line, kind FROM log WHERE kind IS DISTINCT FROM split_part(line, ' ', 1)
