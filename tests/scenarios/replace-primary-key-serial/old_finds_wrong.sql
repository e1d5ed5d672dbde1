SELECT l.id, l.value, o.name FROM scene.last l LEFT JOIN users o USING (id) WHERE o.name IS DISTINCT FROM l.value
UNION ALL SELECT user_id, note, 'a line without a user' FROM lines l WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = l.user_id)
UNION ALL SELECT user_id, id::text, 'a note without a line' FROM notes n WHERE NOT EXISTS (SELECT FROM lines l WHERE l.user_id = n.user_id AND l.line = n.line)
UNION ALL SELECT user_id, id::text, 'a visit without a user' FROM visits v WHERE v.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = v.user_id)
UNION ALL SELECT boss_id, name, 'a boss that is none' FROM users b WHERE boss_id IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = b.boss_id)
