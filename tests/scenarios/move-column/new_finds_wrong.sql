SELECT l.id, l.value, p.phone FROM scene.last l LEFT JOIN profiles p ON p.user_id = l.id WHERE p.phone IS DISTINCT FROM l.value
