ALTER TABLE employees RENAME dept TO department;
ALTER TABLE employees DROP CONSTRAINT of_department;
ALTER INDEX employees_dept RENAME TO employees_department;
ALTER TABLE employees ALTER salary TYPE bigint, ADD title text NOT NULL;
CREATE INDEX employees_chief_idx ON employees (chief);
ALTER TABLE employees ADD CONSTRAINT employees_chief_fkey FOREIGN KEY (chief) REFERENCES employees (id) ON DELETE SET NULL;
ALTER TABLE employees ADD CONSTRAINT of_department_department FOREIGN KEY (department) REFERENCES departments (code) ON UPDATE CASCADE;
