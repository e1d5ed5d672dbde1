-- shop:v41 knows full_name only.
\set id random_exponential(1, :rows, 30)
UPDATE users SET full_name = 'Ann' || edits_v41 + edits_v42 + 1 || ' Smith' || edits_v41 + edits_v42 + 1,
  edits_v41 = edits_v41 + 1 WHERE id = :id;
