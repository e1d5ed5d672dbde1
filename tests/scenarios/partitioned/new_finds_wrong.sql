SELECT l.id, l.value, r.fahrenheit FROM scene.last l LEFT JOIN readings r USING (id) WHERE r.fahrenheit IS DISTINCT FROM l.value::numeric
UNION ALL
SELECT id, fahrenheit::text, celsius FROM readings WHERE celsius IS DISTINCT FROM (fahrenheit - 32) * 5 / 9 OR unit <> 'C'
