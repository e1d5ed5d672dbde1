SELECT l.id, l.value, (p.address).city FROM scene.last l LEFT JOIN parcels p USING (id) WHERE (p.address).city IS DISTINCT FROM l.value OR p.price <> p.weight * 2
