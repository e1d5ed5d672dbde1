SELECT l.id, l.value, o.remark FROM scene.last l LEFT JOIN orders o USING (id) WHERE o.remark IS DISTINCT FROM l.value
