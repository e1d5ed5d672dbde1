SELECT l.id, l.value, u.address::text FROM scene.last l LEFT JOIN users u USING (id)
WHERE (u.address ->> 'street') || ' ' || (u.address ->> 'city') IS DISTINCT FROM l.value
