-- Queries that look as if they read users.full_name, and do without it.
-- expect: no_use

-- case: other columns of the table
SELECT id, first_name FROM users WHERE id = 1;
-- case: the column of another table
SELECT full_name FROM people;
-- case: the column of another table, joined
SELECT p.full_name FROM people p JOIN users u ON u.id = p.id;
-- case: the column of another table in a subquery
SELECT id FROM users WHERE first_name IN (SELECT full_name FROM people);
-- case: the column of another table, correlated
SELECT (SELECT full_name FROM people p WHERE p.id = u.id) FROM users u;
-- case: the column of another table, correlated exists
SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM people WHERE full_name = u.first_name);
-- case: the other table's name qualified
SELECT people.full_name FROM users, people;
-- case: output of that name
SELECT first_name AS full_name FROM users;
-- case: output of that name without AS
SELECT first_name || ' ' || last_name "full_name" FROM users;
-- case: order by an output of that name
SELECT first_name AS full_name FROM users ORDER BY full_name DESC;
-- case: distinct on an output of that name
SELECT DISTINCT ON (full_name) first_name AS full_name FROM users;
-- case: a string
SELECT 'users.full_name', id FROM users;
-- case: a string that is a query
SELECT 'SELECT full_name FROM users' AS q, id FROM users;
-- case: a dollar-quoted string
SELECT $$full_name$$ FROM users;
-- case: a comment before
/* reads users.full_name no more */ SELECT id FROM users;
-- case: a comment at the end of a line
SELECT id -- full_name
FROM users;
-- case: a nested comment
SELECT id /* a /* full_name */ b */ FROM users;
-- case: a longer name
SELECT first_name AS full_name_old, id AS my_full_name FROM users;
-- case: count star
SELECT count(*) FROM users;
-- case: exists over a star
SELECT o.id FROM orders o WHERE EXISTS (SELECT * FROM users u WHERE u.id = o.user_id);
-- case: not exists over the star of an alias
SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT u.* FROM users u WHERE u.id = o.user_id);
-- case: exists over TABLE
SELECT EXISTS (TABLE users);
-- case: no columns at all
SELECT FROM users WHERE age > 20;
-- case: star of the other side
SELECT o.* FROM orders o JOIN users u ON u.id = o.user_id;
-- case: star of another table with the table in a subquery
SELECT * FROM orders WHERE user_id IN (SELECT id FROM users);
-- case: star of a derived table
SELECT * FROM (SELECT id, first_name FROM users) s;
-- case: star of a derived table that renames
SELECT * FROM (SELECT first_name AS full_name FROM users) s;
-- case: the name from a derived table
SELECT full_name FROM (SELECT first_name AS full_name FROM users) s;
-- case: the name from a derived table, qualified
SELECT s.full_name FROM (SELECT id, last_name AS full_name FROM users) s WHERE s.full_name <> '';
-- case: column aliases of a derived table
SELECT s.full_name FROM (SELECT id, email FROM users) AS s (id, full_name);
-- case: whole row of a derived table
SELECT to_jsonb(s) FROM (SELECT id, email FROM users) s;
-- case: json_agg of a derived row
SELECT json_agg(s) FROM (SELECT id, email AS full_name FROM users) s;
-- case: cte with a column of that name
WITH s AS (SELECT id, email AS full_name FROM users) SELECT full_name FROM s;
-- case: cte with a list of column names
WITH s (id, full_name) AS (SELECT id, email FROM users) SELECT full_name FROM s WHERE full_name LIKE 'a%';
-- case: star of a cte
WITH s AS (SELECT id FROM users) SELECT * FROM s;
-- case: a cte that is named as the table
WITH users AS (SELECT 1 AS id, 'x' AS full_name) SELECT full_name FROM users;
-- case: star of a cte that is named as the table
WITH users AS (SELECT id FROM orders) SELECT * FROM users;
-- case: a cte that is named as the column
WITH full_name AS (SELECT id FROM users) SELECT * FROM full_name;
-- case: recursion with a column of that name
WITH RECURSIVE t (id, full_name) AS (SELECT id, first_name FROM users WHERE id = 1 UNION
  SELECT u.id, t.full_name || u.first_name FROM users u JOIN t ON u.parent_id = t.id) SELECT count(full_name) FROM t;
-- case: search clause with a column of that name
-- from: 14
WITH RECURSIVE t (id, full_name) AS (SELECT id, first_name FROM users WHERE id = 1 UNION
  SELECT u.id, u.first_name FROM users u JOIN t ON u.parent_id = t.id AND u.id > t.id)
  SEARCH DEPTH FIRST BY full_name SET ord SELECT id FROM t ORDER BY ord;
-- case: values with a column of that name
SELECT v.full_name FROM (VALUES (1, 'x')) AS v (id, full_name) JOIN users u ON u.id = v.id;
-- case: unnest with a column of that name
SELECT t.full_name FROM unnest(ARRAY['a']) AS t (full_name), users u WHERE u.first_name = t.full_name;
-- case: a function's alias of that name
SELECT full_name.full_name FROM users u, generate_series(1, 2) AS full_name;
-- case: json_to_recordset with a column of that name
SELECT x.full_name FROM json_to_recordset('[{"id": 1}]') AS x (id bigint, full_name text) JOIN users u USING (id);
-- case: xmltable with a column of that name
SELECT x.full_name FROM users u, XMLTABLE('/a' PASSING ('<a/>'::xml) COLUMNS full_name text PATH 'b') x;
-- case: a json key
SELECT data ->> 'full_name' FROM users;
-- case: a json path
SELECT jsonb_path_query_first(data, '$.full_name') FROM users;
-- case: a json key that is built
SELECT jsonb_build_object('full_name', first_name) FROM users;
-- case: a json subscript
-- from: 14
SELECT data['full_name'] FROM users;
-- case: named argument
-- setup
CREATE FUNCTION shout(full_name text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
-- run
SELECT shout(full_name => first_name) FROM users;
-- case: a function of that name
-- setup
CREATE FUNCTION full_name(a text, b text) RETURNS text LANGUAGE sql AS $$ SELECT a || ' ' || b $$;
-- run
SELECT full_name(first_name, last_name) FROM users;
-- case: a type of that name
-- setup
CREATE DOMAIN full_name AS text;
-- run
SELECT first_name::full_name, CAST(last_name AS full_name) FROM users;
-- case: a field of a composite column
-- setup
CREATE TYPE card AS (full_name text, tel text);
ALTER TABLE users ADD COLUMN card card;
-- run
SELECT (card).full_name, (u.card).tel FROM users u WHERE (u.card).full_name IS NULL;
-- case: a collation of that name
-- setup
CREATE COLLATION full_name FROM "C";
-- run
SELECT id FROM users ORDER BY first_name COLLATE full_name;
-- case: a window of that name
SELECT rank() OVER full_name FROM users WINDOW full_name AS (ORDER BY age);
-- case: an alias of that name
SELECT full_name.id FROM users AS full_name;
-- case: an alias of that name on another table
SELECT full_name.total, u.id FROM users u JOIN orders full_name ON full_name.user_id = u.id;
-- case: a table of that name
-- setup
CREATE TABLE full_name (id bigint, users text);
-- run
SELECT f.* FROM full_name f JOIN users u ON u.id = f.id;
-- case: whole rows of a table of that name
-- setup
CREATE TABLE full_name (id bigint, users text);
-- run
SELECT full_name FROM full_name WHERE EXISTS (SELECT FROM users WHERE users.id = full_name.id);
-- case: a column named as the table
-- setup
CREATE TABLE counts (users bigint, full_name text);
-- run
SELECT users, full_name FROM counts;
-- case: a table of the same name in another schema
-- setup
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint, full_name text);
-- run
SELECT full_name FROM archive.users;
-- case: star of the same name in another schema
-- setup
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint, full_name text);
-- run
SELECT u.* FROM archive.users u JOIN public.users p ON p.id = u.id;
-- case: other columns of an unqualified name that two schemas have
-- setup
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint, full_name text);
-- run
SELECT id FROM users WHERE id = 3;
-- case: search_path leads to another schema
-- setup
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint, full_name text);
-- run
SET LOCAL search_path = archive; SELECT full_name FROM users;
-- case: a temporary table of the same name
-- setup
CREATE TEMP TABLE users AS SELECT 1 AS id, 'x'::text AS full_name;
-- run
SELECT full_name FROM users;
-- case: a temporary table with the column
-- setup
CREATE TEMP TABLE stage (id bigint, full_name text);
-- run
SELECT s.full_name FROM stage s JOIN users u ON u.id = s.id;
-- case: an unqualified column of a temporary table
-- setup
CREATE TEMP TABLE stage (id bigint, full_name text);
-- run
SELECT full_name FROM stage WHERE id IN (SELECT id FROM users);
-- case: join using other columns
SELECT 1 FROM users JOIN people USING (id);
-- case: join using, and the other side's column
SELECT p.full_name FROM users u JOIN people p USING (id);
-- case: natural join with a table without it
SELECT count(*) FROM users u NATURAL JOIN (SELECT id, total FROM orders) o;
-- case: lateral that computes it
SELECT x.full_name FROM users u, LATERAL (SELECT concat(u.first_name, ' ', u.last_name) AS full_name) x;
-- case: union whose first branch names it
SELECT nick AS full_name FROM people UNION SELECT first_name FROM users ORDER BY full_name;
-- case: union of the other table's column
SELECT full_name FROM people UNION ALL SELECT email FROM users;
-- case: group by an output of that name where the table does not have it
SELECT left(first_name, 1) AS full_name, count(*) FROM (SELECT first_name FROM users) s GROUP BY full_name;
-- case: grouping sets of others
SELECT age, email, count(*) FROM users GROUP BY CUBE (age, email);
-- case: tablesample of others
SELECT id FROM users TABLESAMPLE BERNOULLI (10);
-- case: for update of an alias of that name
SELECT full_name.id FROM users AS full_name FOR UPDATE OF full_name;
-- case: system columns
SELECT ctid, xmin, tableoid::regclass FROM users;
-- case: a row constructor of others
SELECT ROW(id, email) FROM users WHERE (id, email) > (1, 'a');
-- case: a filter of others
SELECT count(*) FILTER (WHERE age > 3), max(email) FROM users;
-- case: xml element of that name
SELECT xmlelement(name full_name, first_name) FROM users;
-- case: xml attributes of that name
SELECT xmlforest(first_name AS full_name) FROM users;
-- case: explain of others
EXPLAIN SELECT id FROM users WHERE email = 'full_name';
-- case: a parameter that holds the name
-- parameters: full_name
SELECT id FROM users WHERE email = $1;
-- case: a parameter that holds a query
-- parameters: SELECT full_name FROM users
INSERT INTO log (line) SELECT $1 FROM users WHERE id = 1;
-- case: the catalog asked about it
SELECT attname FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attname = 'full_name';
-- case: another column of a partition
-- structure: column public.events.kind
SELECT id, place FROM events_1;
-- case: count of the partitioned table
-- structure: column public.events.kind
SELECT count(*) FROM events WHERE place = 'kind';
-- case: another column of the child
-- structure: column public.notes.body
SELECT mood, kept_until FROM notes_old;
-- case: a view without it
-- setup
CREATE VIEW emails AS SELECT id, email FROM users;
-- run
SELECT * FROM emails;
-- case: whole rows of a view without it
-- setup
CREATE VIEW emails AS SELECT id, email AS full_name FROM users;
-- run
SELECT to_jsonb(e), e.full_name FROM emails e;
-- case: casts and operators around others
SELECT (data -> 'a')::text || age::text COLLATE "C" FROM users WHERE NOT (age BETWEEN 1 AND 2) ORDER BY 1;
-- case: a subquery in a limit
SELECT id FROM users LIMIT (SELECT count(*) FROM people WHERE full_name > 'A');
-- case: a derived table without an alias, of others
-- from: 16
SELECT id FROM (SELECT id, email FROM users);
-- case: json constructors of others
-- from: 16
SELECT JSON_OBJECT('full_name': first_name) FROM users;
-- case: grouping by a key that is no key of it
SELECT id, email FROM users GROUP BY id;
-- case: grouping by a key and by what is no key
-- structure: constraint public.users.users_email_key
SELECT email, count(*) FROM users GROUP BY email;
-- case: json_table with a column of that name
-- from: 17
SELECT t.full_name FROM users u, JSON_TABLE(u.data, '$' COLUMNS (full_name text PATH '$.full_name')) t;
-- case: other columns of a partition that was dropped
-- structure: column public.events.kind
-- setup
ANALYZE events;
-- run
SELECT place FROM public.events_1; COMMIT; DROP TABLE events_1;
