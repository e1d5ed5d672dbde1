-- Every account has a mail address of its own: rows in the way hold the plan.
INSERT INTO accounts SELECT g, 'a' || g || '@x', 'n' || g FROM generate_series(1, 40) g;
