SELECT l.id, l.value, a.street FROM scene.last l LEFT JOIN addresses a ON a.user_id = l.id WHERE a.street IS DISTINCT FROM l.value
