-- shop:v42 knows first_name and last_name only.
\set id random_exponential(1, :rows, 30)
UPDATE users SET first_name = 'Ann' || edits_v41 + edits_v42 + 1, last_name = 'Smith' || edits_v41 + edits_v42 + 1,
  edits_v42 = edits_v42 + 1 WHERE id = :id;
