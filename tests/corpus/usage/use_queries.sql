-- Queries that read users.full_name.
-- expect: use

-- case: plain
SELECT full_name FROM users WHERE id = 1;
-- case: qualified by an alias
SELECT u.full_name FROM users AS u WHERE u.id = 1;
-- case: qualified by schema and table
SELECT public.users.full_name FROM public.users;
-- case: upper case, no quotes
SELECT FULL_NAME FROM USERS;
-- case: quoted
SELECT "full_name" FROM "public"."users";
-- case: unicode escapes in the column
SELECT U&"full\005Fname" FROM users;
-- case: unicode escapes in the table
SELECT full_name FROM U&"\0075sers";
-- case: unicode escapes with another escape character
SELECT U&"full!005Fname" UESCAPE '!' FROM users;
-- case: star
SELECT * FROM users WHERE id = 1;
-- case: star of an alias
SELECT u.* FROM orders o JOIN users u ON u.id = o.user_id;
-- case: star of schema and table
SELECT public.users.* FROM public.users;
-- case: star over a join
SELECT * FROM orders o LEFT JOIN users u ON u.id = o.user_id;
-- case: star in a derived table, others picked outside
SELECT s.id FROM (SELECT * FROM users) s;
-- case: TABLE
TABLE users;
-- case: ONLY
SELECT full_name FROM ONLY users;
-- case: whole row by the table's name
SELECT users FROM users;
-- case: whole row by alias
SELECT u FROM users u LIMIT 1;
-- case: field of the whole row
SELECT (u).full_name FROM users u;
-- case: functional notation
SELECT full_name(u) FROM users u;
-- case: row comparison
SELECT 1 FROM users a JOIN users b ON a = b;
-- case: row constructor of a star
SELECT ROW(u.*) FROM users u;
-- case: row constructor comparison
SELECT id FROM users WHERE (first_name, full_name) = ('Ada', 'Ada 1');
-- case: row IS DISTINCT FROM
SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.* IS DISTINCT FROM b.*;
-- case: whole row IS NULL
SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE u IS NULL;
-- case: order by whole row
SELECT u.id FROM users u ORDER BY u;
-- case: count of whole rows
SELECT count(u) FROM users u;
-- case: distinct whole rows
SELECT count(DISTINCT u.*) FROM users u;
-- case: row_to_json
SELECT row_to_json(u) FROM users u;
-- case: to_jsonb of the table's name
SELECT to_jsonb(users) FROM users;
-- case: to_jsonb minus the key
SELECT to_jsonb(u) - 'full_name' FROM users u;
-- case: json_agg of a row
SELECT json_agg(t) FROM users t;
-- case: json_agg of a derived table's row
SELECT json_agg(t) FROM (SELECT * FROM users) t;
-- case: array_agg of a row
SELECT array_agg(u ORDER BY u.id) FROM users u;
-- case: row cast to text
SELECT u::text FROM users u;
-- case: jsonb_populate_record of the row type
SELECT id FROM jsonb_populate_record(NULL::users, '{"id": 1}');
-- case: json_populate_recordset of the row type
SELECT * FROM json_populate_recordset(NULL::public.users, '[{"id": 1}]');
-- case: a literal cast to the row type
SELECT ('(1,a,b,c,d,1,,)'::users).id;
-- case: an array of the row type
SELECT (ARRAY[NULL]::users[])[1];
-- case: where only
SELECT id FROM users WHERE full_name LIKE 'A%';
-- case: order by only
SELECT id FROM users ORDER BY full_name NULLS LAST;
-- case: group by only
SELECT count(*) FROM users GROUP BY full_name;
-- case: group by although an output has the name
SELECT max(first_name) AS full_name FROM users GROUP BY full_name;
-- case: having only
SELECT age FROM users GROUP BY age HAVING max(full_name) > 'A';
-- case: grouping sets
SELECT age, count(*) FROM users GROUP BY GROUPING SETS ((age), (full_name), ());
-- case: rollup and grouping()
SELECT GROUPING(full_name), count(*) FROM users GROUP BY ROLLUP (full_name);
-- case: filter of an aggregate
SELECT count(*) FILTER (WHERE full_name IS NULL) FROM users;
-- case: order inside an aggregate
SELECT string_agg(email, ',' ORDER BY full_name) FROM users;
-- case: within group
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY full_name) FROM users;
-- case: over
SELECT row_number() OVER (PARTITION BY full_name ORDER BY id) FROM users;
-- case: a named window
SELECT rank() OVER w FROM users WINDOW w AS (ORDER BY full_name);
-- case: distinct on
SELECT DISTINCT ON (full_name) id FROM users;
-- case: case expression
SELECT CASE WHEN full_name IS NULL THEN 1 ELSE 2 END FROM users;
-- case: coalesce and casts
SELECT COALESCE(NULL, full_name::varchar(10)) FROM users;
-- case: substring in SQL's words
SELECT substring(full_name FROM 1 FOR 2) FROM users;
-- case: collate
SELECT id FROM users ORDER BY full_name COLLATE "C";
-- case: at the end of a limit
SELECT id FROM users LIMIT (SELECT length(full_name) FROM users WHERE id = 1);
-- case: values with a subquery
VALUES ((SELECT full_name FROM users WHERE id = 1), 2);
-- case: array of a subquery
SELECT ARRAY(SELECT full_name FROM users);
-- case: in a subquery
SELECT id FROM people WHERE nick IN (SELECT full_name FROM users);
-- case: not in a subquery's own table, so the outer one
SELECT (SELECT full_name FROM orders o WHERE o.user_id = u.id LIMIT 1) FROM users u;
-- case: correlated exists
SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = o.user_id AND u.full_name = o.note);
-- case: exists over a derived star with a filter
SELECT 1 WHERE EXISTS (SELECT * FROM (SELECT * FROM users) s WHERE s.full_name > 'B');
-- case: exists over EXCEPT
SELECT EXISTS (SELECT * FROM users WHERE age > 3 EXCEPT SELECT * FROM users WHERE age > 9);
-- case: exists ordered by position
SELECT EXISTS (SELECT * FROM users ORDER BY 2 OFFSET 3);
-- case: lateral star
SELECT x.id FROM users u, LATERAL (SELECT u.*) x;
-- case: lateral column
SELECT o.id, x.n FROM orders o CROSS JOIN LATERAL (SELECT upper(full_name) AS n FROM users WHERE id = o.user_id) x;
-- case: function in FROM over the column
SELECT w FROM users, regexp_split_to_table(full_name, ' ') AS w;
-- case: join using
SELECT 1 FROM users JOIN people USING (full_name);
-- case: natural join
SELECT 1 FROM users NATURAL JOIN people;
-- case: natural join with itself
SELECT 1 FROM users NATURAL JOIN users AS u;
-- case: natural join with a derived table
SELECT 1 FROM users NATURAL LEFT JOIN (SELECT 'x' AS full_name) s;
-- case: alias of a join
SELECT j.full_name FROM (users CROSS JOIN orders) AS j (a, full_name) LIMIT 1;
-- case: join using with an alias
-- from: 14
SELECT j.full_name FROM users JOIN people USING (full_name) AS j;
-- case: column aliases by position
SELECT b FROM users AS u (a, b);
-- case: union
SELECT nick FROM people UNION ALL SELECT full_name FROM users;
-- case: intersect of tables
TABLE users INTERSECT TABLE users;
-- case: cte
WITH x AS (SELECT id, full_name AS n FROM users) SELECT count(*) FROM x;
-- case: cte with a star
WITH x AS MATERIALIZED (SELECT * FROM users) SELECT id FROM x;
-- case: cte with column names
WITH x (a, b) AS (SELECT id, full_name FROM users) SELECT a FROM x;
-- case: recursion
WITH RECURSIVE t AS (SELECT id, full_name FROM users WHERE id = 1 UNION
  SELECT u.id, u.full_name FROM users u JOIN t ON u.parent_id = t.id) SELECT count(*) FROM t;
-- case: recursion that compares by it
WITH RECURSIVE t AS (SELECT id FROM users WHERE id = 1 UNION
  SELECT u.id FROM users u JOIN t ON u.full_name = t.id::text) SELECT count(*) FROM t;
-- case: a cte of another name does not hide the table
WITH people AS (SELECT 1 AS id) SELECT full_name FROM users, people;
-- case: a cte of the table's name that reads the table
WITH users AS (SELECT id, full_name FROM users) SELECT id FROM users;
-- case: tablesample
SELECT full_name FROM users TABLESAMPLE BERNOULLI (50) REPEATABLE (1);
-- case: tablesample by an expression
SELECT id FROM users TABLESAMPLE SYSTEM ((SELECT max(length(full_name)) FROM users));
-- case: for update of
SELECT u.full_name FROM users u, orders o WHERE o.user_id = u.id FOR UPDATE OF u;
-- case: select into
SELECT * INTO TEMP taken FROM users;
-- case: xml
SELECT table_to_xml('users', true, false, '');
-- case: query in a string
SELECT query_to_xml('SELECT full_name FROM users', true, false, '');
-- case: words of a query in a string
SELECT count(*) FROM ts_stat('SELECT to_tsvector(full_name) FROM public.users');
-- case: joined with another column of the table
SELECT count(full_name || age) FROM users;
-- case: a parameter beside it
-- parameters: Ada 1
SELECT id FROM users WHERE full_name = $1;
-- case: a parameter of the row type
-- parameters: (1,a,b,c,d,1,,)
SELECT ($1::users).id;
-- case: comment in the middle of a name's path
SELECT u /* users */ . /* dot */ full_name FROM users u;
-- case: many lines and tabs
SELECT
	u
	.
	full_name
FROM
	users
	u;
-- case: two statements in one message
SELECT 1; SELECT full_name FROM users;
-- case: an alias that is another table's name
SELECT people.full_name FROM users AS people;
-- case: an alias that is the column's name
SELECT full_name.full_name FROM users AS full_name;
-- case: an alias that is the column's name, unqualified
SELECT full_name FROM users AS full_name;
-- case: search_path to the schema
SET LOCAL search_path = pg_catalog, public; SELECT full_name FROM users;
-- case: the database's name in front
DO $$ BEGIN EXECUTE 'SELECT ' || quote_ident(current_database()) || '.public.users.full_name FROM public.users LIMIT 1'; END $$;
-- case: explain
EXPLAIN SELECT full_name FROM users;
-- case: explain analyze of a star
EXPLAIN (ANALYZE, COSTS off) SELECT * FROM users;
-- case: partition by name
-- structure: column public.events.kind
SELECT kind FROM events_1;
-- case: partitioned parent
-- structure: column public.events.kind
SELECT id FROM events WHERE kind = 'visit';
-- case: star of a partition
-- structure: column public.events.kind
SELECT * FROM public.events_2;
-- case: inherited, through the child
-- structure: column public.notes.body
SELECT body FROM notes_old;
-- case: inherited, whole child rows
-- structure: column public.notes.body
SELECT to_json(n) FROM notes_old n;
-- case: the child's row cast to the parent's
-- structure: column public.notes.body
SELECT (n::notes).id FROM notes_old n;
-- case: row type of a partition
-- structure: column public.events.kind
SELECT id FROM json_populate_record(NULL::events_1, '{}');
-- case: IS JSON
-- from: 16
SELECT id FROM users WHERE full_name IS JSON;
-- case: json constructors
-- from: 16
SELECT JSON_OBJECT('n': full_name) FROM users;
-- case: a derived table without an alias
-- from: 16
SELECT id FROM (SELECT id, full_name FROM users) ORDER BY full_name;
-- case: json_table over it
-- from: 17
SELECT t.a FROM users, JSON_TABLE(to_jsonb(full_name), '$' COLUMNS (a text PATH '$')) t;
