SELECT l.id, l.value, u.name, u.slug FROM scene.last l LEFT JOIN users u USING (id) WHERE u.name IS DISTINCT FROM l.value
UNION ALL
SELECT id, 'a slug of', name, slug FROM users WHERE slug IS DISTINCT FROM lower(name) AND slug !~ '^[sb][0-9]+$'
