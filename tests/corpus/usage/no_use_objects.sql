-- Objects that hold the name, or stand on the table, and do without users.full_name.
-- expect: no_use

-- case: a view of others
-- setup
CREATE VIEW emails AS SELECT id, email FROM users;
-- case: a view that gives another column that name
-- setup
CREATE VIEW shown AS SELECT id, first_name AS full_name FROM users;
-- run
SELECT full_name FROM shown;
-- case: a view over the other table
-- setup
CREATE VIEW shown AS SELECT p.full_name FROM people p JOIN users u ON u.id = p.id;
-- case: a view on a view of others
-- setup
CREATE VIEW emails AS SELECT id, email AS full_name FROM users;
CREATE VIEW short_emails AS SELECT left(full_name, 3) AS full_name FROM emails;
-- run
SELECT * FROM short_emails;
-- case: a view named as the column
-- setup
CREATE VIEW full_name AS SELECT id FROM users;
-- case: a view with rows of a derived table
-- setup
CREATE VIEW docs AS SELECT to_jsonb(s) AS doc FROM (SELECT id, email AS full_name FROM users) s;
-- case: a view with whole rows of another table
-- setup
CREATE VIEW docs AS SELECT to_jsonb(p) AS doc FROM people p JOIN users u ON u.id = p.id;
-- case: a materialized view of others
-- setup
CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) AS full_name FROM users GROUP BY age;
-- run
REFRESH MATERIALIZED VIEW ages;
-- case: a generated column of others
-- setup
ALTER TABLE users ADD COLUMN both_names text GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED;
-- case: an index on others
-- setup
CREATE INDEX full_name ON users (lower(first_name)) WHERE last_name <> 'full_name';
-- case: an index the plan lets go
-- allow: by_name
-- setup
CREATE INDEX by_name ON users (full_name);
-- case: a check the plan lets go
-- allow: some_name
-- setup
ALTER TABLE users ADD CONSTRAINT some_name CHECK (full_name <> '');
-- case: a check of others
-- setup
ALTER TABLE users ADD CONSTRAINT full_name CHECK (first_name <> '' AND users.age > 0);
-- case: a foreign key to the table
-- setup
CREATE TABLE fans (full_name text, user_id bigint REFERENCES users);
-- case: statistics of that name on others
-- setup
CREATE STATISTICS full_name ON first_name, last_name FROM users;
-- case: the column's own default and not null
-- setup
UPDATE users SET full_name = ''; ALTER TABLE users ALTER full_name SET DEFAULT '', ALTER full_name SET NOT NULL;
-- case: its own comment
-- setup
COMMENT ON COLUMN users.full_name IS 'unused';
-- case: a grant on the column
-- setup
GRANT SELECT (full_name) ON users TO corpus_clerk;
-- case: a policy of others
-- setup
CREATE POLICY full_name ON users USING (email = current_user);
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
-- case: a policy of another table by others
-- setup
CREATE POLICY own ON orders USING (EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.email = current_user));
-- case: a policy on the other table's column
-- setup
CREATE POLICY users ON people USING (full_name = current_user);
-- case: a rule of others
-- setup
CREATE RULE full_name AS ON DELETE TO users DO ALSO INSERT INTO log (line) VALUES (old.email);
-- case: a rule on another table of others
-- setup
CREATE RULE noted AS ON INSERT TO people DO ALSO
  INSERT INTO log (line) SELECT new.full_name || u.email FROM users u WHERE u.id = new.id;
-- run
INSERT INTO people (id, full_name) VALUES (900, 'x');
-- case: a trigger of another column
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER full_name BEFORE UPDATE OF first_name ON users FOR EACH ROW
  WHEN (old.first_name IS DISTINCT FROM new.first_name) EXECUTE FUNCTION touched();
-- case: a trigger that is given another column's name
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touched('first_name');
-- case: a trigger on the other table that is given the name
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE OF full_name ON people FOR EACH ROW EXECUTE FUNCTION touched('full_name');
-- case: a table with the column in another schema
-- setup
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint, full_name text UNIQUE);
CREATE VIEW archive.names AS SELECT full_name FROM archive.users;
-- case: a child of another table
-- setup
CREATE TABLE users_old () INHERITS (people);
-- run
SELECT full_name FROM users_old;
-- case: a partition by another column
-- structure: column public.parts.k
-- setup
CREATE TABLE parts (id bigint, k text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
-- case: a type with a field of that name
-- setup
CREATE TYPE card AS (full_name text, users bigint);
CREATE TABLE cards (c card);
-- run
SELECT (c).full_name FROM cards;
-- case: the row type of another table
-- setup
CREATE FUNCTION greet(p people) RETURNS text LANGUAGE sql AS $$ SELECT 'Hi ' || ($1).full_name $$;
-- run
SELECT greet(p) FROM people p JOIN users u ON u.id = p.id;
-- case: a checked publication
-- checked: p
-- setup
CREATE PUBLICATION p FOR TABLE users;
-- case: a publication of another table
-- setup
CREATE PUBLICATION p FOR TABLE people;
-- case: a checked publication with other columns
-- from: 15
-- checked: p
-- setup
CREATE PUBLICATION p FOR TABLE users (id, email) WHERE (id > 3);
-- case: a checked foreign server
-- needs: postgres_fdw
-- checked: far
-- setup
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far_users (id bigint, full_name text) SERVER far OPTIONS (table_name 'users');
-- case: an enum value of that name
-- setup
CREATE TYPE part AS ENUM ('full_name', 'users');
-- run
SELECT 'full_name'::part, id FROM users;
-- case: a sequence of that name
-- setup
CREATE SEQUENCE full_name OWNED BY users.id;
-- run
SELECT nextval('full_name'), count(*) FROM users;
-- case: an atomic function of others
-- from: 14
-- setup
CREATE FUNCTION full_name(i bigint) RETURNS text LANGUAGE sql BEGIN ATOMIC
  SELECT first_name || last_name AS full_name FROM users WHERE id = i; END;
-- run
SELECT full_name(1);
-- case: a virtual generated column of others
-- from: 18
-- setup
ALTER TABLE users ADD COLUMN both_names text GENERATED ALWAYS AS (first_name || ' ' || last_name) VIRTUAL;
-- run
SELECT both_names FROM users;
-- case: a function of an extension that reads others
-- setup
CREATE FUNCTION house() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(email) FROM public.users); END $$;
ALTER EXTENSION pg_stat_statements ADD FUNCTION house();
-- run
SELECT house();
-- case: a partition that is made
-- structure: column public.events.kind
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (200) TO (300);
