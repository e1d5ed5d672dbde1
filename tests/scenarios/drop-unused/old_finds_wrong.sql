SELECT l.id, l.value, c.owner FROM scene.last l LEFT JOIN old_carts c USING (id) WHERE c.owner IS DISTINCT FROM l.value
