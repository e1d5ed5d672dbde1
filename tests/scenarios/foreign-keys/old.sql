WITH w AS (UPDATE employees SET salary = :n % 1000000, dept = 'D' || :n % 10 WHERE id = :id RETURNING id, salary)
INSERT INTO scene.wrote (id, value) SELECT id, salary FROM w;
-- or
WITH w AS (INSERT INTO employees (id, dept, salary, chief) VALUES (:n, 'D' || :n % 10, :n % 1000000, NULL) RETURNING id, salary)
INSERT INTO scene.wrote (id, value) SELECT id, salary FROM w;
-- or
WITH w AS (DELETE FROM employees WHERE id = :id + 200 RETURNING id)
INSERT INTO scene.wrote (id, value) SELECT id, NULL FROM w;
-- or
INSERT INTO badges (employee) SELECT id FROM employees WHERE id = :id FOR KEY SHARE;
