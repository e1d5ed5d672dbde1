CREATE TABLE departments (code text PRIMARY KEY);
INSERT INTO departments SELECT 'D' || i FROM generate_series(0, 9) i;
CREATE TABLE employees (id bigint PRIMARY KEY, dept text CONSTRAINT of_department REFERENCES departments ON UPDATE CASCADE,
  salary int NOT NULL DEFAULT 1, job text, chief bigint);
INSERT INTO employees SELECT i, 'D' || i % 10, i, 'J' || i, CASE WHEN i % 9 = 0 THEN -i WHEN i > 10 THEN i / 10 END FROM generate_series(1, :rows) i;
CREATE INDEX employees_dept ON employees (dept);
CREATE TABLE badges (id bigserial PRIMARY KEY, employee bigint NOT NULL REFERENCES employees ON DELETE CASCADE);
INSERT INTO badges (employee) SELECT i FROM generate_series(1, :rows, 2) i;
CREATE INDEX ON badges (employee);
