SELECT l.id, l.value, u.name, NULL FROM scene.last l LEFT JOIN users u USING (id) WHERE u.name IS DISTINCT FROM l.value
UNION ALL
SELECT id, 'what it was', name, legacy FROM users WHERE legacy !~ '^L[0-9]+$' AND name !~ '^New'
