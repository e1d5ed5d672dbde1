-- Cursors, prepared statements, blocks, definitions: statements that are no plain query and use users.full_name.
-- expect: use

-- case: cursor
DECLARE c CURSOR FOR SELECT full_name FROM users; FETCH 2 FROM c; CLOSE c;
-- case: cursor over a star
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM users; FETCH LAST FROM c;
-- case: cursor named as the column
DECLARE full_name CURSOR FOR TABLE users; FETCH ALL FROM full_name;
-- case: prepared
PREPARE by_name (text) AS SELECT id FROM users WHERE full_name = $1; EXECUTE by_name('x'); DEALLOCATE by_name;
-- case: prepared star
PREPARE all_of AS SELECT * FROM users; EXECUTE all_of; DEALLOCATE all_of;
-- case: prepared insert
PREPARE ins AS INSERT INTO users VALUES ($1, $2); EXECUTE ins(900, 'x'); DEALLOCATE ins;
-- case: explain of a prepared statement
PREPARE by_name AS SELECT full_name FROM users; EXPLAIN EXECUTE by_name; EXECUTE by_name; DEALLOCATE by_name;
-- case: do block
DO $$ BEGIN PERFORM full_name FROM users; END $$;
-- case: do block with a row variable
DO $$ DECLARE u users; BEGIN SELECT * INTO u FROM users LIMIT 1; END $$;
-- case: do block with a record's field
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM users LOOP IF r.full_name IS NULL THEN NULL; END IF; END LOOP; END $$;
-- case: do block that populates a record
DO $$ DECLARE x text; BEGIN x := to_jsonb(jsonb_populate_record(NULL::users, '{"id": 1}'))::text; END $$;
-- case: do block that executes a built string
DO $$ BEGIN EXECUTE 'SELECT full' || '_name FROM us' || 'ers'; END $$;
-- case: do block that executes for each column
DO $$ DECLARE c name; BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attnum > 0 LOOP
    EXECUTE format('UPDATE public.users SET %I = %I WHERE false', c, c);
  END LOOP; END $$;
-- case: create table as
CREATE TABLE taken AS SELECT id, full_name FROM users;
-- case: create table as TABLE
CREATE TEMP TABLE taken AS TABLE users WITH NO DATA;
-- case: create table as with other names
CREATE TABLE taken (a, b) AS SELECT id, full_name FROM users;
-- case: create table as execute
PREPARE q AS SELECT full_name FROM users; CREATE TEMP TABLE taken AS EXECUTE q; DEALLOCATE q;
-- case: create table like
CREATE TABLE taken (LIKE users);
-- case: create table like including all
CREATE TABLE taken (LIKE public.users INCLUDING ALL, extra text);
-- case: create materialized view
CREATE MATERIALIZED VIEW taken AS SELECT * FROM users;
-- case: create a view and drop it
CREATE VIEW passing AS SELECT full_name FROM users; DROP VIEW passing;
-- case: create a temporary view of a star
CREATE TEMP VIEW passing AS SELECT * FROM users;
-- case: create index
CREATE INDEX passing ON users (full_name);
-- case: create index on an expression
CREATE INDEX passing ON users (lower(full_name), id);
-- case: create index with a predicate
CREATE INDEX passing ON users (id) WHERE full_name IS NULL;
-- case: create index that includes
CREATE INDEX passing ON users (id) INCLUDE (full_name);
-- case: create statistics
CREATE STATISTICS passing ON full_name, first_name FROM users;
-- case: create statistics on an expression
-- from: 14
CREATE STATISTICS passing ON lower(full_name), id FROM users;
-- case: analyze of the column
ANALYZE users (full_name);
-- case: alter type
ALTER TABLE users ALTER COLUMN full_name TYPE varchar(200);
-- case: alter with using
ALTER TABLE users ALTER COLUMN first_name TYPE text USING full_name;
-- case: add a check
ALTER TABLE users ADD CONSTRAINT some_name CHECK (full_name <> '') NOT VALID;
-- case: add a generated column
ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(full_name)) STORED;
-- case: rename
ALTER TABLE users RENAME COLUMN full_name TO whole_name;
-- case: set statistics
ALTER TABLE users ALTER full_name SET STATISTICS 500;
-- case: comment on
COMMENT ON COLUMN users.full_name IS 'what one is called';
-- case: grant on the column
GRANT SELECT (full_name) ON users TO corpus_clerk;
-- case: grant of two on the column
GRANT SELECT (id), UPDATE (full_name, age) ON users TO corpus_clerk;
-- case: foreign key to it
-- setup
CREATE UNIQUE INDEX users_full_name_key ON users (full_name);
-- allow: users_full_name_key
-- run
CREATE TABLE names (n text REFERENCES users (full_name));
-- case: create policy
CREATE POLICY passing ON users USING (full_name = current_user);
-- case: create rule
CREATE RULE passing AS ON UPDATE TO users DO ALSO INSERT INTO log (line) VALUES (new.full_name);
-- case: create trigger of the column
CREATE TRIGGER passing BEFORE UPDATE OF full_name ON users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- case: create trigger when it changes
CREATE TRIGGER passing BEFORE UPDATE ON users FOR EACH ROW WHEN (old.full_name IS DISTINCT FROM new.full_name)
  EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- case: create function and drop it
CREATE FUNCTION passing() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM public.users'; DROP FUNCTION passing();
-- case: create procedure and call it
CREATE PROCEDURE passing() LANGUAGE plpgsql AS $$ BEGIN UPDATE public.users SET full_name = upper(full_name); END $$;
CALL passing();
-- case: call with an argument from it
-- setup
CREATE PROCEDURE takes(t text) LANGUAGE plpgsql AS 'BEGIN END';
-- run
DO $$ DECLARE t text; BEGIN SELECT full_name INTO t FROM users LIMIT 1; CALL takes(t); END $$;
-- case: publication with a filter
-- from: 15
CREATE PUBLICATION passing FOR TABLE users WHERE (full_name IS NOT NULL);
-- case: publication with a column list
-- from: 15
CREATE PUBLICATION passing FOR TABLE users (id, full_name);
-- case: truncate and read again
TRUNCATE users CASCADE; SELECT max(full_name) FROM users;
-- case: a savepoint of the name, and the column
SAVEPOINT full_name; SELECT full_name FROM users; RELEASE full_name;
-- case: as another role
GRANT SELECT ON users TO corpus_clerk; SET LOCAL ROLE corpus_clerk; SELECT full_name FROM users;
-- case: cursor in a function by name
-- setup
CREATE FUNCTION opened() RETURNS refcursor LANGUAGE plpgsql AS
  $$ DECLARE c refcursor := 'c'; BEGIN OPEN c FOR SELECT full_name FROM public.users; RETURN c; END $$;
-- run
SELECT opened(); FETCH ALL FROM c;
