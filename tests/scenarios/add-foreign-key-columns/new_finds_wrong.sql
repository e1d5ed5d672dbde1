SELECT l.id, l.value, o.order_no FROM scene.last l LEFT JOIN lines o USING (id) WHERE o.order_no::text IS DISTINCT FROM l.value
