SELECT l.id, l.value, e.payload::text FROM scene.last l LEFT JOIN events e USING (id) WHERE e.payload ->> 'v' IS DISTINCT FROM l.value
UNION ALL SELECT id, 'still there', payload::text FROM events WHERE payload ? 'debug'
