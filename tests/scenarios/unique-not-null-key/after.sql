ALTER TABLE log ADD kind text NOT NULL, ADD CONSTRAINT log_line CHECK (line <> '');
