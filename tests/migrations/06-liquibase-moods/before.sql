CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, mail text);
DO $$ BEGIN CREATE ROLE migration_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
INSERT INTO users SELECT g, 'n' || g, NULL FROM generate_series(1, 300) g;
