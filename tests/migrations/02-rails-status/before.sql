CREATE TABLE schema_migrations (version character varying NOT NULL PRIMARY KEY);
CREATE TABLE users (id bigserial PRIMARY KEY, name character varying, banned boolean DEFAULT false NOT NULL, created_at timestamp(6) NOT NULL DEFAULT now());
INSERT INTO users (name, banned) SELECT 'user ' || g, g % 7 = 0 FROM generate_series(1, 300) g;
