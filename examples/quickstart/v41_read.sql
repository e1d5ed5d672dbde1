-- A division by zero when the name is not what either image wrote last.
\set id random_exponential(1, :rows, 30)
SELECT full_name, 1 / (full_name = 'Ann' || edits_v41 + edits_v42 || ' Smith' || edits_v41 + edits_v42)::int AS right
FROM users WHERE id = :id AND edits_v41 + edits_v42 > 0;
