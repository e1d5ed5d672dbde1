SELECT l.id, l.value, u.name FROM scene.last l LEFT JOIN users u USING (id) WHERE u.name IS DISTINCT FROM l.value
UNION ALL
SELECT id, 'first_seen', NULL FROM users WHERE first_seen IS NULL
