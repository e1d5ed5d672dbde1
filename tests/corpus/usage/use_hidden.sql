-- Uses of users.full_name that hide: in odd corners of the grammar, in the session, behind an index or a child.
-- expect: use

-- case: the old star after a table's name
SELECT full_name FROM users *;
-- case: only, in parentheses
SELECT id FROM ONLY (users) WHERE full_name NOTNULL;
-- case: an operator with its schema
SELECT id FROM users WHERE full_name OPERATOR(pg_catalog.~~) 'A%';
-- case: similar to
SELECT id FROM users WHERE full_name SIMILAR TO 'A%' ESCAPE '!';
-- case: between symmetric
SELECT id FROM users WHERE 'b' BETWEEN SYMMETRIC full_name AND first_name;
-- case: any of an array of it
SELECT id FROM users WHERE first_name = ANY (ARRAY[full_name, email]);
-- case: a subscript of a json value
-- from: 14
SELECT data[full_name] FROM users;
-- case: an assigned subscript of a json value
-- from: 14
UPDATE users SET data[full_name] = '1' WHERE id = 1;
-- case: a slice of an array
SELECT (ARRAY[1, 2, 3])[1:length(full_name)] FROM users;
-- case: a named argument
SELECT make_interval(days => length(full_name)) FROM users;
-- case: a variadic argument
SELECT concat_ws(',', VARIADIC ARRAY[full_name, email]) FROM users;
-- case: a star among arguments
SELECT concat_ws(',', 'row', u.*) FROM users u;
-- case: position, overlay and trim in SQL's words
SELECT position('a' IN overlay(trim(BOTH 'x' FROM full_name) PLACING 'b' FROM 1)) FROM users;
-- case: collation for
SELECT COLLATION FOR (full_name) FROM users;
-- case: at a time zone
SELECT now() AT TIME ZONE full_name FROM users WHERE false;
-- case: normalized
SELECT id FROM users WHERE full_name IS NFC NORMALIZED;
-- case: xml of it
SELECT xmlserialize(CONTENT xmlparse(CONTENT full_name) AS text), xmlpi(NAME x, full_name) FROM users;
-- case: xmltable with a default from it
SELECT x.a FROM users, XMLTABLE('/a' PASSING ('<a/>'::xml) COLUMNS a text PATH 'b' DEFAULT full_name) x;
-- case: rows from several functions
SELECT a FROM users, ROWS FROM (generate_series(1, 2), unnest(string_to_array(full_name, ' '))) AS r (n, a);
-- case: fetch first with ties
SELECT id FROM users ORDER BY full_name FETCH FIRST 3 ROWS WITH TIES;
-- case: order using an operator
SELECT id FROM users ORDER BY full_name USING >;
-- case: an expression over an output of that name orders by the column
SELECT first_name AS full_name FROM users ORDER BY full_name || '';
-- case: a collation beside an output of that name orders by the column
SELECT first_name AS full_name FROM users ORDER BY full_name COLLATE "C";
-- case: a window beside an output of that name
SELECT first_name AS full_name, rank() OVER (ORDER BY full_name) FROM users;
-- case: the row in a list
SELECT id FROM users u WHERE u IN (SELECT o FROM users o WHERE o.age > 3);
-- case: the row in an array
SELECT (unnest(ARRAY[u])).id FROM users u;
-- case: the row out of a subquery, and its field
SELECT (r).id FROM (SELECT u AS r FROM users u) s;
-- case: the column as a function of a subquery's row
SELECT full_name(r) FROM (SELECT u AS r FROM users u) s;
-- case: the row of a join with an alias
SELECT to_json(j) FROM (users u JOIN orders o ON o.user_id = u.id) AS j;
-- case: the star of a join with an alias
SELECT j.* FROM (orders o JOIN users u ON u.id = o.user_id) AS j;
-- case: keys of the row in FROM
SELECT e.value FROM users u, jsonb_each_text(to_jsonb(u)) e WHERE e.key = 'full_name';
-- case: format of the row
SELECT format('%s', u) FROM users u;
-- case: a row of another type made of it
SELECT p.full_name FROM users u, json_populate_record(NULL::people, to_json(u)) p;
-- case: natural join with a function's column of that name
SELECT 1 FROM users NATURAL JOIN unnest(ARRAY['x']) AS full_name;
-- case: natural join with values
SELECT 1 FROM users NATURAL JOIN (VALUES ('x')) AS v (full_name);
-- case: natural join with a star of a star
WITH p AS (SELECT * FROM (SELECT * FROM people) q) SELECT 1 FROM users NATURAL JOIN p;
-- case: natural join inside a join
SELECT 1 FROM (orders CROSS JOIN (users NATURAL JOIN people)) WHERE false;
-- case: the outer row through a derived table
SELECT id FROM users WHERE EXISTS (SELECT 1 FROM (SELECT nick FROM people) p WHERE p.nick = full_name);
-- case: the outer row through a function
SELECT id FROM users WHERE EXISTS (SELECT 1 FROM generate_series(1, 2) g WHERE full_name = g::text);
-- case: a cte of the table's name, and the schema in front
WITH users AS (SELECT 1 AS id) SELECT full_name FROM public.users;
-- case: a cte of the table's name in a subquery only
SELECT full_name FROM users, (WITH users AS (SELECT 1 AS one) SELECT one FROM users) s;
-- case: a cte of the table's name after the one that reads the table
WITH a AS (SELECT full_name AS n FROM users), users AS (SELECT 1 AS one) SELECT n FROM a, users;
-- case: recursion over stars
WITH RECURSIVE t AS (SELECT * FROM users WHERE id = 1 UNION ALL
  SELECT u.* FROM users u JOIN t ON u.parent_id = t.id AND u.id > t.id) SELECT count(*) FROM t;
-- case: a cycle that it makes
-- from: 14
WITH RECURSIVE t (id, n) AS (SELECT id, full_name FROM users WHERE id = 1 UNION ALL
  SELECT u.id, u.full_name FROM users u JOIN t ON u.parent_id = t.id) CYCLE n SET again USING path SELECT id FROM t;
-- case: a name that is cut to 63 bytes
-- structure: column public.users.the_name_of_a_person_in_full_with_every_title_and_the_family_na
-- setup
ALTER TABLE users ADD COLUMN the_name_of_a_person_in_full_with_every_title_and_the_family_na text;
-- run
SELECT the_name_of_a_person_in_full_with_every_title_and_the_family_name_at_the_end FROM users;
-- case: a column named as a key word
-- structure: column public.users.order
-- setup
ALTER TABLE users ADD COLUMN "order" text;
-- run
SELECT u.order FROM users u;
-- case: a column that is not in lower case
-- structure: column public.users.fullName
-- setup
ALTER TABLE users ADD COLUMN "fullName" text;
-- run
SELECT "fullName" FROM users;
-- case: a column with letters of its own
-- structure: column public.users.prénom
-- setup
ALTER TABLE users ADD COLUMN prénom text;
-- run
SELECT PRénom FROM users;
-- case: every table as xml
SELECT schema_to_xml('public', true, false, '');
-- case: a cursor as xml
DECLARE c CURSOR FOR SELECT full_name FROM users; SELECT cursor_to_xml('c', 10, true, false, '');
-- case: a text search query rewritten from it
SELECT ts_rewrite('a & b'::tsquery, 'SELECT to_tsquery(left(full_name, 3)), ''x''::tsquery FROM public.users');
-- case: prepared before anybody watched
-- setup
PREPARE early AS SELECT full_name FROM users;
-- run
EXECUTE early;
-- case: a star prepared before anybody watched
-- setup
PREPARE early (bigint) AS SELECT * FROM users WHERE id = $1;
-- run
EXECUTE early(1);
-- case: a write prepared before anybody watched
-- setup
PREPARE early AS INSERT INTO users VALUES ($1, $2);
-- run
EXECUTE early(900, 'x');
-- case: a temporary view that another session has
-- setup
CREATE TEMP VIEW mine AS SELECT full_name AS n FROM users;
-- run
SELECT n FROM mine;
-- case: a table that inherits, read and gone again
CREATE TABLE kid () INHERITS (users); SELECT full_name FROM kid; DROP TABLE kid;
-- case: a partition that was read and dropped
-- structure: column public.events.kind
-- setup
ANALYZE events;
-- run
SELECT kind FROM events_1; COMMIT; DROP TABLE events_1;
-- case: upsert by a constraint over the column
-- setup
ALTER TABLE users ADD CONSTRAINT one_of_a_kind UNIQUE (full_name);
-- allow: one_of_a_kind
-- run
INSERT INTO users (id) VALUES (900) ON CONFLICT ON CONSTRAINT one_of_a_kind DO NOTHING;
-- case: upsert by an index that includes the column
-- setup
CREATE UNIQUE INDEX by_parent ON users (parent_id, age) INCLUDE (full_name);
-- allow: by_parent
-- run
INSERT INTO users (id, parent_id) VALUES (900, 7) ON CONFLICT (age, parent_id) DO NOTHING;
-- case: upsert by an index whose predicate has the column
-- setup
CREATE UNIQUE INDEX by_parent ON users (parent_id, age) WHERE coalesce(full_name, '') IS NOT NULL;
-- allow: by_parent
-- run
INSERT INTO users (id, parent_id) VALUES (900, 7)
ON CONFLICT (parent_id, age) WHERE coalesce(full_name, '') IS NOT NULL DO NOTHING;
-- case: upsert by expressions of an index that includes the column
-- setup
CREATE UNIQUE INDEX by_mail ON users (lower(email), age) INCLUDE (full_name);
-- allow: by_mail
-- run
INSERT INTO users (id, email) VALUES (900, 'x') ON CONFLICT (lower(email), age) DO NOTHING;
-- case: upsert in a function by an index that includes the column
-- setup
CREATE UNIQUE INDEX by_parent ON users (parent_id, age) INCLUDE (full_name);
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.users (id, parent_id) VALUES (901, 7) ON CONFLICT (parent_id, age) DO NOTHING; END $$;
-- allow: by_parent
-- case: an index that goes along and identifies rows
-- setup
ALTER TABLE users ALTER full_name SET NOT NULL;
CREATE UNIQUE INDEX ident ON users (id, full_name);
ALTER TABLE users REPLICA IDENTITY USING INDEX ident;
-- allow: ident
-- case: a primary key that goes along and identifies rows
-- structure: column public.keyed.note
-- setup
CREATE TABLE keyed (id bigint, title text, note text, PRIMARY KEY (id, note));
-- allow: keyed_pkey
-- case: grouping by a key that includes the column
-- structure: column public.keyed.note
-- setup
CREATE TABLE keyed (id bigint, title text, note text, PRIMARY KEY (id) INCLUDE (note));
-- allow: keyed_pkey
-- run
SELECT id, title FROM keyed GROUP BY id;
-- case: grouping by a key
-- structure: constraint public.users.users_pkey
SELECT id, email, count(*) FROM users GROUP BY id;
-- case: grouping sets over a key
-- structure: constraint public.users.users_pkey
SELECT u.id, u.email, count(*) FROM users u GROUP BY GROUPING SETS ((u.id));
-- case: a function with RETURN
-- from: 14
-- setup
CREATE FUNCTION f() RETURNS text RETURN (SELECT max(full_name) FROM users);
-- case: a function of an extension of the house
-- setup
CREATE FUNCTION house() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(full_name) FROM public.users); END $$;
ALTER EXTENSION pg_stat_statements ADD FUNCTION house();
-- case: a trigger function of an extension of the house
-- setup
CREATE FUNCTION house() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.full_name := trim(NEW.full_name); RETURN NEW; END $$;
ALTER EXTENSION pg_stat_statements ADD FUNCTION house();
CREATE TRIGGER house BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION house();
-- case: a trigger that is given a list with the column's name
-- setup
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touched('{age,full_name}');
-- case: a partial index over whole rows
-- setup
CREATE INDEX all_there ON users (id) WHERE users IS NOT NULL;
-- case: a domain over arrays of the row type
-- setup
CREATE DOMAIN crowd AS users[];
-- case: a function with an array of rows
-- setup
CREATE FUNCTION f(VARIADIC u users[]) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM unnest($1)';
-- case: a type with the row type, made and dropped
CREATE TYPE pair AS (one users, n int); DROP TYPE pair;
-- case: a table with the row type, made and dropped
CREATE TABLE pairs (one users[]); DROP TABLE pairs;
-- case: plpgsql using with it
-- setup
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN
  EXECUTE 'SELECT count(*) FROM public.orders WHERE note = $1' INTO STRICT n USING (SELECT full_name FROM public.users WHERE id = 1);
  RETURN n; END $$;
-- case: plpgsql execute of a text with escapes
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE E'UPDATE public.users SET full\x5fname = NULL'; END $$;
-- case: plpgsql text with escapes that is executed later
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE q text := E'SELECT full\137name FROM public.users';
  BEGIN EXECUTE q; END $$;
-- case: plpgsql TABLE
-- setup
CREATE FUNCTION f() RETURNS SETOF public.users LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY TABLE public.users; END $$;
-- case: plpgsql record of a subquery's row
-- setup
CREATE FUNCTION f() RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  r := (SELECT x FROM public.users x WHERE id = 1); RETURN to_jsonb(r); END $$;
-- case: trigger that fetches into NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE c refcursor; BEGIN
  OPEN c FOR SELECT nick FROM public.people; FETCH c INTO NEW.full_name; CLOSE c; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that counts into NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM 1 FROM public.people; GET DIAGNOSTICS NEW.full_name = ROW_COUNT; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that populates NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW := jsonb_populate_record(NEW, '{"full_name": "x"}'); RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that returns a changed row
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RETURN jsonb_populate_record(NEW, '{"full_name": "x"}'); END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that hands its row to another function
-- setup
CREATE FUNCTION kept(r anyelement) RETURNS void LANGUAGE sql AS 'INSERT INTO public.log (line) VALUES (to_jsonb(r)::text)';
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.kept(NEW); RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that renames its row
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ DECLARE r ALIAS FOR new; BEGIN r.full_name := 'x'; RETURN r; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: a procedure that copies rows by a loop variable
-- setup
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  FOR r IN DELETE FROM public.users WHERE id > 900 RETURNING * LOOP INSERT INTO public.log (line) VALUES (r::text); END LOOP; END $$;
-- case: any_value
-- from: 16
SELECT any_value(full_name) FROM users;
-- case: json aggregates
-- from: 16
SELECT JSON_OBJECTAGG(id: full_name), JSON_ARRAYAGG(full_name ORDER BY id) FROM users;
-- case: a json value that is passed
-- from: 17
SELECT JSON_VALUE('{}'::jsonb, '$.a' PASSING full_name AS x) FROM users;
-- case: a json default
-- from: 17
SELECT JSON_VALUE('{}'::jsonb, '$.a' DEFAULT 'none' ON EMPTY), JSON_SCALAR(full_name) FROM users;
-- case: json_table that is passed it
-- from: 17
SELECT t.a FROM users, JSON_TABLE('[1]'::jsonb, '$[*]' PASSING full_name AS x COLUMNS (a text PATH '$', NESTED PATH '$.b' COLUMNS (b int PATH '$'))) t;
-- case: natural join with json_table
-- from: 17
SELECT 1 FROM users NATURAL JOIN JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (full_name text PATH '$')) t;
-- case: merge returning the column into a log
-- from: 17
WITH m AS (MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1
  RETURNING merge_action(), full_name) INSERT INTO log (line) SELECT full_name FROM m;
-- case: merge by target without a column list
-- from: 17
MERGE INTO users u USING (SELECT 901 AS id) s ON u.id = s.id WHEN NOT MATCHED BY TARGET THEN INSERT VALUES (s.id, 'x');
-- case: copy of a merge
-- from: 17
COPY (MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1 RETURNING u.*) TO STDOUT;
-- case: copy from with null for every column
-- from: 17
COPY users FROM STDIN WITH (FORMAT csv, FORCE_NULL *);
-- case: insert returning the new row under a name
-- from: 18
INSERT INTO users (id) VALUES (900) RETURNING WITH (NEW AS n) to_jsonb(n);
-- case: merge returning old
-- from: 18
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1 RETURNING old.full_name;
-- case: upsert returning old
-- from: 18
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET age = 1 RETURNING old.*;
-- case: a function over a virtual generated column
-- from: 18
-- setup
ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(full_name));
-- run
SELECT shout FROM users;
-- case: a statement over another virtual generated column
-- from: 18
-- structure: column public.users.first_name
-- setup
ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(first_name)) VIRTUAL;
-- run
SELECT shout FROM users;
