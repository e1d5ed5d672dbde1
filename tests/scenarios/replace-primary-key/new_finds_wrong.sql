SELECT l.id, l.value, o.note FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.note IS DISTINCT FROM l.value
UNION ALL SELECT i.order_id, i.note, 'an item without an order' FROM order_items i WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = i.order_id)
