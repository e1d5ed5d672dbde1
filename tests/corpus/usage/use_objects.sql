-- Objects that stand on users.full_name, whoever runs what.
-- expect: use

-- case: a view
-- setup
CREATE VIEW names AS SELECT id, full_name FROM users;
-- case: a view of a star
-- setup
CREATE VIEW everyone AS SELECT * FROM users;
-- case: a view with another name for it
-- setup
CREATE VIEW names (a, b) AS SELECT id, full_name FROM users;
-- case: a view that filters by it
-- setup
CREATE VIEW named AS SELECT id FROM users WHERE full_name IS NOT NULL;
-- case: a view of whole rows
-- setup
CREATE VIEW docs AS SELECT id, to_jsonb(u) AS doc FROM users u;
-- case: a view on a view
-- setup
CREATE VIEW names AS SELECT id, full_name AS n FROM users;
CREATE VIEW short_names AS SELECT id, left(n, 3) FROM names;
-- run
SELECT id FROM short_names;
-- case: a view on a view of whole rows
-- setup
CREATE VIEW docs AS SELECT u AS r FROM users u;
CREATE VIEW shown AS SELECT (r).id AS id FROM docs;
-- case: a materialized view
-- setup
CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS c, full_name FROM users GROUP BY full_name;
-- run
REFRESH MATERIALIZED VIEW kept;
-- case: a recursive view
-- setup
CREATE RECURSIVE VIEW tree (id, n) AS SELECT id, full_name FROM users WHERE id = 1 UNION
  SELECT u.id, u.full_name FROM users u JOIN tree t ON u.parent_id = t.id;
-- case: a generated column
-- setup
ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(full_name)) STORED;
-- case: a virtual generated column
-- from: 18
-- setup
ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(full_name)) VIRTUAL;
-- case: a plain index
-- setup
CREATE INDEX by_name ON users (full_name);
-- case: an index on an expression
-- setup
CREATE INDEX by_name ON users (lower(full_name));
-- case: a partial index
-- setup
CREATE INDEX by_name ON users (id) WHERE full_name IS NULL;
-- case: an index that includes
-- setup
CREATE INDEX by_name ON users (id) INCLUDE (full_name);
-- case: an index on whole rows
-- setup
CREATE FUNCTION row_text(u users) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
CREATE INDEX by_row ON users (row_text(users));
-- case: a unique constraint
-- setup
ALTER TABLE users ADD CONSTRAINT one_name UNIQUE (first_name, full_name, id);
-- case: an exclusion constraint
-- setup
ALTER TABLE users ADD CONSTRAINT no_two EXCLUDE USING hash (full_name WITH =);
-- case: a foreign key to it
-- setup
ALTER TABLE users ADD CONSTRAINT one_name UNIQUE (full_name);
CREATE TABLE fans (of text REFERENCES users (full_name));
-- case: a foreign key from it
-- setup
CREATE TABLE titles (t text PRIMARY KEY);
ALTER TABLE users ADD CONSTRAINT titled FOREIGN KEY (full_name) REFERENCES titles NOT VALID;
-- case: a check
-- setup
ALTER TABLE users ADD CHECK (full_name <> '');
-- case: a check over whole rows
-- setup
ALTER TABLE users ADD CONSTRAINT not_empty CHECK (users IS NOT NULL) NOT VALID;
-- case: extended statistics
-- setup
CREATE STATISTICS together (dependencies) ON full_name, first_name FROM users;
-- case: extended statistics on an expression
-- from: 14
-- setup
CREATE STATISTICS lowered ON lower(full_name) FROM users;
-- case: a policy
-- setup
CREATE POLICY own ON users USING (full_name = current_user);
-- case: a policy with check
-- setup
CREATE POLICY own ON users FOR INSERT WITH CHECK (full_name <> '');
-- case: a policy of another table
-- setup
CREATE POLICY own ON orders USING (EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.full_name = current_user));
-- case: a policy that stores a star, though EXISTS needs none
-- setup
CREATE POLICY own ON orders USING (EXISTS (SELECT * FROM users u WHERE u.id = user_id));
-- case: a policy over whole rows
-- setup
CREATE POLICY own ON users USING (users IS NOT NULL);
-- case: a policy of another table over whole rows
-- setup
CREATE POLICY own ON orders USING ((SELECT to_jsonb(u) ->> 'email' FROM users u WHERE u.id = user_id) = current_user);
-- case: a rule on the table
-- setup
CREATE RULE noted AS ON UPDATE TO users DO ALSO INSERT INTO log (line) VALUES (old.full_name);
-- case: a rule on another table
-- setup
CREATE RULE noted AS ON INSERT TO orders DO ALSO INSERT INTO log (line) SELECT full_name FROM users WHERE id = new.user_id;
-- run
INSERT INTO orders (id, user_id) VALUES (900, 1);
-- case: a rule with the whole new row
-- setup
CREATE RULE noted AS ON INSERT TO users DO ALSO INSERT INTO log (line) VALUES (to_jsonb(new)::text);
-- case: a rule on another table with whole rows
-- setup
CREATE RULE noted AS ON INSERT TO orders DO ALSO
  INSERT INTO log (line) SELECT to_jsonb(u)::text FROM users u WHERE u.id = new.user_id;
-- run
INSERT INTO orders (id, user_id) VALUES (900, 1);
-- case: a rule's condition over whole rows
-- setup
CREATE RULE noted AS ON UPDATE TO users WHERE old IS DISTINCT FROM new DO ALSO
  INSERT INTO log (line) VALUES ('changed');
-- case: a trigger of the column
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER renamed BEFORE UPDATE OF full_name ON users FOR EACH ROW EXECUTE FUNCTION touched();
-- case: a trigger when it changes
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER renamed BEFORE UPDATE ON users FOR EACH ROW WHEN (old.full_name <> new.full_name) EXECUTE FUNCTION touched();
-- case: a trigger when anything changes
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER renamed BEFORE UPDATE ON users FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION touched();
-- case: a trigger that is given the column's name
-- setup
ALTER TABLE users ADD COLUMN tsv tsvector;
CREATE TRIGGER tsv BEFORE INSERT OR UPDATE ON users FOR EACH ROW
  EXECUTE FUNCTION tsvector_update_trigger(tsv, 'pg_catalog.english', full_name, email);
-- case: a trigger of a user's that is given the column's name
-- setup
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE format('INSERT INTO public.log (line) SELECT ($1).%I', tg_argv[0]) USING new; RETURN new; END $$;
CREATE TRIGGER noted AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION noted('full_name');
-- case: a constraint trigger
-- setup
CREATE FUNCTION checks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF new.full_name = '' THEN RAISE 'no name'; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER checks AFTER INSERT ON users DEFERRABLE FOR EACH ROW EXECUTE FUNCTION checks();
-- case: a trigger on a partition
-- structure: column public.events.kind
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER changed AFTER UPDATE OF kind ON events_2 FOR EACH ROW EXECUTE FUNCTION touched();
-- case: a trigger function on a partition alone
-- structure: column public.events.kind
-- setup
CREATE FUNCTION lowers() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.kind := lower(new.kind); RETURN new; END';
CREATE TRIGGER lowers BEFORE INSERT ON events_1 FOR EACH ROW EXECUTE FUNCTION lowers();
-- case: a view on a partition
-- structure: column public.events.kind
-- setup
CREATE VIEW first_events AS SELECT kind FROM events_1;
-- case: an index of one partition
-- structure: column public.events.kind
-- setup
CREATE INDEX first_kinds ON events_1 (kind);
-- case: the partition key
-- structure: column public.parts.k
-- setup
CREATE TABLE parts (id bigint, k text) PARTITION BY LIST (k);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
-- case: a partition key that is an expression
-- structure: column public.parts.k
-- setup
CREATE TABLE parts (id bigint, k text) PARTITION BY HASH (lower(k));
-- case: the key of a partition that is partitioned again
-- structure: column public.parts.k
-- setup
CREATE TABLE parts (id bigint, k text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY LIST (k);
-- case: a view on an inheriting table
-- structure: column public.notes.body
-- setup
CREATE VIEW old_bodies AS SELECT length(body) FROM notes_old;
-- case: a check of an inheriting table
-- structure: column public.notes.body
-- setup
ALTER TABLE notes_old ADD CHECK (body <> '');
-- case: a publication of the table
-- setup
CREATE PUBLICATION p FOR TABLE users;
-- case: a publication of all tables
-- setup
CREATE PUBLICATION p FOR ALL TABLES;
-- case: a publication of the schema
-- from: 15
-- setup
CREATE PUBLICATION p FOR TABLES IN SCHEMA public;
-- case: a checked publication that lists the column
-- from: 15
-- checked: p
-- setup
CREATE PUBLICATION p FOR TABLE users (id, full_name);
-- case: a checked publication that filters by the column
-- from: 15
-- checked: p
-- setup
CREATE PUBLICATION p FOR TABLE users WHERE (full_name <> '');
-- case: a function that takes the row type
-- setup
CREATE FUNCTION greet(u users) RETURNS text LANGUAGE sql AS $$ SELECT 'Hi ' || ($1).full_name $$;
-- case: a function that takes the row type and serializes it
-- setup
CREATE FUNCTION shown(u users) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb($1) $$;
-- case: a function that gives rows
-- setup
CREATE FUNCTION found(i bigint) RETURNS SETOF users LANGUAGE sql AS $$ SELECT * FROM users WHERE id = i $$;
-- run
SELECT email FROM found(1);
-- case: a composite type that holds the row type
-- setup
CREATE TYPE pair AS (one users, two users);
-- case: a column of the row type
-- setup
CREATE TABLE kept_rows (r users);
-- case: a column of arrays of the row type
-- setup
CREATE TABLE kept_rows (r users[]);
-- case: a domain over the row type
-- setup
CREATE DOMAIN grown_up AS users CHECK ((VALUE).age > 17);
-- case: a cast of the row type
-- setup
CREATE FUNCTION as_text(u users) RETURNS text LANGUAGE sql AS $$ SELECT $1::text $$;
CREATE CAST (users AS text) WITH FUNCTION as_text(users);
-- case: an operator of the row type
-- setup
CREATE FUNCTION same(a users, b users) RETURNS boolean LANGUAGE sql AS $$ SELECT $1.id = $2.id $$;
CREATE OPERATOR === (LEFTARG = users, RIGHTARG = users, FUNCTION = same);
-- case: an aggregate over the row type
-- setup
CREATE FUNCTION longest(s text, u users) RETURNS text LANGUAGE sql AS $$ SELECT greatest($1, ($2).full_name) $$;
CREATE AGGREGATE longest_name (users) (SFUNC = longest, STYPE = text);
-- case: an atomic function
-- from: 14
-- setup
CREATE FUNCTION names() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(full_name) FROM users; END;
-- case: an atomic function over whole rows
-- from: 14
-- setup
CREATE FUNCTION docs() RETURNS SETOF jsonb LANGUAGE sql BEGIN ATOMIC SELECT to_jsonb(u) FROM users u; END;
-- case: an atomic procedure that writes it
-- from: 14
-- setup
CREATE PROCEDURE reset_names() LANGUAGE sql BEGIN ATOMIC UPDATE users SET full_name = ''; END;
-- case: a default that calls a reader
-- setup
CREATE FUNCTION last_name_seen() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM public.users';
ALTER TABLE orders ALTER note SET DEFAULT last_name_seen();
-- run
INSERT INTO orders (id) VALUES (900);
-- case: an event trigger that reads it
-- setup
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) SELECT max(full_name) FROM public.users; END $$;
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
-- case: a foreign server
-- needs: postgres_fdw
-- setup
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far_users (id bigint, full_name text) SERVER loop OPTIONS (table_name 'users');
-- case: an owned sequence
-- structure: column public.counted.n
-- setup
CREATE TABLE counted (id bigint, n serial);
-- case: the primary key
-- structure: column public.users.id
SELECT 1;
-- case: a view through an alias that shadows another table
-- setup
CREATE VIEW odd AS SELECT people.full_name FROM users people;
-- case: a view that joins by USING
-- setup
CREATE VIEW namesakes AS SELECT count(*) FROM users JOIN people USING (full_name);
-- case: an instead-of trigger on a view of whole rows
-- setup
CREATE VIEW docs AS SELECT to_jsonb(u) AS doc FROM users u;
CREATE FUNCTION stored() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER stored INSTEAD OF INSERT ON docs FOR EACH ROW EXECUTE FUNCTION stored();
-- case: a column of the table in another schema's view
-- setup
CREATE SCHEMA reports;
CREATE VIEW reports.users AS SELECT id, full_name FROM public.users;
