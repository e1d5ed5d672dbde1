SELECT l.id, l.value, o.paid, o.state FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.paid IS DISTINCT FROM l.value::boolean
UNION ALL
SELECT id, 'a state of', paid, state FROM orders WHERE state IS NULL OR paid <> (state <> 'open')
