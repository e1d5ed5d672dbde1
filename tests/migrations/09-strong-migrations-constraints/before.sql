CREATE TABLE accounts (id bigint PRIMARY KEY, email text, name text NOT NULL, slug text);
INSERT INTO accounts SELECT g, 'a' || g || '@x', 'n' || g FROM generate_series(1, 300) g;
