ALTER TABLE users ADD slug text NOT NULL;
