SELECT l.id, l.value, p.city FROM scene.last l LEFT JOIN parcels p USING (id) WHERE p.city IS DISTINCT FROM l.value OR p.price <> p.weight * 2
UNION ALL
SELECT id, zip, city FROM parcels WHERE size IS NULL OR during IS NULL OR cardinality(labels) <> 2
