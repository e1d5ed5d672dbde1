\set id random_exponential(1, :rows, 30)
SELECT first_name, last_name, 1 / (first_name = 'Ann' || edits_v41 + edits_v42
  AND last_name = 'Smith' || edits_v41 + edits_v42)::int AS right
FROM users WHERE id = :id AND edits_v41 + edits_v42 > 0;
