ALTER TABLE users ADD tier text NOT NULL DEFAULT 'std';
