-- Rows whose name, read through the new columns, is not what was written last.
SELECT count(*) FROM users WHERE (first_name, last_name) IS DISTINCT FROM
  CASE WHEN edits_v41 + edits_v42 > 0 OR born_of <> 'seed'
    THEN ('Ann' || edits_v41 + edits_v42, 'Smith' || edits_v41 + edits_v42)
    ELSE ('First' || id, 'Last' || id) END;
