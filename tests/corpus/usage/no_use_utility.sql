-- Cursors, prepared statements, blocks and definitions that hold the name, and leave users.full_name alone.
-- expect: no_use

-- case: a cursor of that name
DECLARE full_name CURSOR FOR SELECT id FROM users; FETCH 2 FROM full_name; CLOSE full_name;
-- case: a prepared statement of that name
PREPARE full_name (bigint) AS SELECT email FROM users WHERE id = $1; EXECUTE full_name(1); DEALLOCATE full_name;
-- case: a savepoint of that name
SAVEPOINT full_name; SELECT id FROM users; ROLLBACK TO full_name; RELEASE full_name;
-- case: a channel of that name
LISTEN full_name; NOTIFY full_name, 'users'; UNLISTEN full_name;
-- case: a setting of that name
SET LOCAL users.full_name = 'x'; SHOW users.full_name;
-- case: a role of that name
CREATE ROLE full_name; GRANT SELECT ON users TO full_name; SET LOCAL ROLE full_name; SELECT id FROM users;
-- case: a grant of the table
GRANT SELECT, INSERT ON users TO corpus_clerk;
-- case: a grant on other columns
GRANT SELECT (id, email) ON users TO corpus_clerk;
-- case: a grant on the other table's column
GRANT SELECT (full_name) ON people TO corpus_clerk;
-- case: analyze
ANALYZE users;
-- case: analyze of other columns
ANALYZE users (id, email);
-- case: analyze of the other table's column beside the table
ANALYZE people (full_name), users (id);
-- case: lock
LOCK TABLE users IN SHARE MODE;
-- case: truncate
TRUNCATE users CASCADE;
-- case: reindex
REINDEX TABLE users;
-- case: comment on the table that names it
COMMENT ON TABLE users IS 'full_name is going away';
-- case: comment on another column that names it
COMMENT ON COLUMN users.first_name IS 'was part of full_name';
-- case: comment on the other table's column
COMMENT ON COLUMN people.full_name IS 'unlike users';
-- case: an index of that name
CREATE INDEX full_name ON users (first_name);
-- case: an index on the other table's column
CREATE INDEX users_of ON people (full_name);
-- case: an index on others with a predicate
CREATE INDEX passing ON users (lower(email)) WHERE first_name <> 'full_name';
-- case: statistics on others
CREATE STATISTICS full_name ON first_name, last_name FROM users;
-- case: a trigger of that name
CREATE TRIGGER full_name BEFORE UPDATE OF first_name ON users FOR EACH ROW
  EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- case: a policy of that name
CREATE POLICY full_name ON users USING (age > 17);
-- case: a table with a column of that name that refers to the table
CREATE TABLE fans (id bigint, full_name text, user_id bigint REFERENCES users (id), CHECK (full_name <> ''));
-- case: create table as with that name
CREATE TABLE taken (id, full_name) AS SELECT id, first_name FROM users;
-- case: create table as of an output of that name
CREATE TEMP TABLE taken AS SELECT id, first_name AS full_name FROM users;
-- case: create table like the other table
CREATE TABLE taken (LIKE people); INSERT INTO taken SELECT id, email, 'x' FROM users;
-- case: create view with that name
CREATE VIEW passing (id, full_name) AS SELECT id, first_name FROM users;
-- case: create view of that name
CREATE VIEW full_name AS SELECT id FROM users;
-- case: drop of a view of that name
CREATE VIEW full_name AS SELECT id FROM users; DROP VIEW full_name /* over users */;
-- case: create materialized view with that name
CREATE MATERIALIZED VIEW taken AS SELECT count(*) AS full_name FROM users;
-- case: alter the other table's column
ALTER TABLE people ALTER full_name SET NOT NULL; SELECT id FROM users;
-- case: a foreign key from the other table
ALTER TABLE people ADD CONSTRAINT full_name FOREIGN KEY (id) REFERENCES users (id) NOT VALID;
-- case: add another column
ALTER TABLE users ADD COLUMN nick text DEFAULT 'full_name';
-- case: set statistics of another column
ALTER TABLE users ALTER first_name SET STATISTICS 100;
-- case: owner of that name
CREATE ROLE full_name; ALTER TABLE users OWNER TO full_name;
-- case: do block over others
DO $$ BEGIN PERFORM id FROM users; END $$;
-- case: do block with a variable of that name
DO $$ DECLARE full_name text := 'x'; BEGIN
  INSERT INTO users (id, first_name) VALUES (900, full_name); END $$;
-- case: do block with a label of that name
DO $$ BEGIN <<full_name>> LOOP PERFORM id FROM users; EXIT full_name; END LOOP; END $$;
-- case: do block with a comment that names it
DO $$ BEGIN /* not full_name */ PERFORM id FROM users; -- full_name
END $$;
-- case: do block with a message that names it
DO $$ BEGIN IF (SELECT count(*) FROM users) < 0 THEN RAISE 'users without full_name'; END IF; END $$;
-- case: do block over the other table
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT id, full_name FROM people LOOP UPDATE users SET first_name = r.full_name WHERE id = r.id; END LOOP; END $$;
-- case: do block that executes something else
DO $$ BEGIN EXECUTE 'SELECT count(*) FROM people WHERE full_name IS NULL'; PERFORM id FROM users; END $$;
-- case: explain analyze of others
EXPLAIN (ANALYZE, TIMING off) UPDATE users SET first_name = 'full_name' WHERE id = 1;
-- case: publication of others
-- from: 15
-- checked: passing
CREATE PUBLICATION passing FOR TABLE users (id, email) WHERE (age > 3);
-- case: call
-- setup
CREATE PROCEDURE full_name(users bigint) LANGUAGE plpgsql AS 'BEGIN END';
-- run
CALL full_name(1);
-- case: create function and drop it again
CREATE FUNCTION passing(full_name text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM users WHERE email = $1 $$;
DROP FUNCTION passing(text);
