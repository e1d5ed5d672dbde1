SELECT l.id, l.value, e.salary FROM scene.last l LEFT JOIN employees e USING (id) WHERE e.salary::text IS DISTINCT FROM l.value
UNION ALL
SELECT id, 'badge of nobody', employee FROM badges WHERE employee NOT IN (SELECT id FROM employees)
