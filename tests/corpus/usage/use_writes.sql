-- Statements that write users.full_name, or read it while they write.
-- expect: use

-- case: insert without a column list
INSERT INTO users VALUES (900, 'x', 'y');
-- case: insert of a query without a column list
INSERT INTO users SELECT id + 900, full_name FROM people;
-- case: insert of TABLE without a column list
INSERT INTO people SELECT id, 'x', 'y' FROM users WHERE false; INSERT INTO users TABLE users ON CONFLICT DO NOTHING;
-- case: insert with the column
INSERT INTO users (id, full_name) VALUES (900, 'x');
-- case: insert with the column's default
INSERT INTO users (id, full_name) VALUES (900, DEFAULT);
-- case: insert into another table from it
INSERT INTO log (line) SELECT full_name FROM users;
-- case: insert of another table's row from a star
CREATE TEMP TABLE copy_of AS SELECT * FROM users LIMIT 0; INSERT INTO copy_of SELECT * FROM users;
-- case: insert returning star
INSERT INTO users (id) VALUES (900) RETURNING *;
-- case: insert returning the column
INSERT INTO users (id) VALUES (900) RETURNING id, full_name;
-- case: insert returning the row
INSERT INTO users (id) VALUES (900) RETURNING users;
-- case: insert returning json of an alias
INSERT INTO users AS u (id) VALUES (900) RETURNING to_json(u);
-- case: on conflict set
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET full_name = 'x';
-- case: on conflict set of a list
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET (first_name, full_name) = ('x', 'y');
-- case: on conflict from excluded
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET first_name = excluded.full_name;
-- case: on conflict from the old row
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET first_name = users.full_name;
-- case: on conflict where
INSERT INTO users AS u (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET age = 1 WHERE u.full_name IS NULL;
-- case: on conflict with the excluded row
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET data = to_jsonb(excluded);
-- case: on conflict with excluded star compared
INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET age = 1 WHERE users.* IS DISTINCT FROM excluded.*;
-- case: inference by the column
-- setup
CREATE UNIQUE INDEX users_full_name_key ON users (full_name);
-- run
INSERT INTO users (id) VALUES (900) ON CONFLICT (full_name) DO NOTHING;
-- case: inference by an expression
-- setup
CREATE UNIQUE INDEX users_lower_key ON users (lower(full_name));
-- allow: users_lower_key
-- run
INSERT INTO users (id) VALUES (900) ON CONFLICT (lower(full_name)) DO NOTHING;
-- case: inference by a predicate
-- setup
CREATE UNIQUE INDEX users_age_key ON users (id) WHERE full_name IS NOT NULL;
-- allow: users_age_key
-- run
INSERT INTO users (id) VALUES (900) ON CONFLICT (id) WHERE full_name IS NOT NULL DO NOTHING;
-- case: update set
UPDATE users SET full_name = 'x' WHERE id = 1;
-- case: update set default
UPDATE users SET full_name = DEFAULT;
-- case: update set of a list
UPDATE users SET (age, full_name) = (1, 'x') WHERE id = 1;
-- case: update set of a row from a query
UPDATE users SET (age, full_name) = (SELECT 1, nick FROM people LIMIT 1) WHERE id = 1;
-- case: update from itself
UPDATE users u SET first_name = split_part(u.full_name, ' ', 1);
-- case: update from itself, unqualified
UPDATE users SET first_name = split_part(full_name, ' ', 1);
-- case: update of another table from it
UPDATE orders SET note = u.full_name FROM users u WHERE u.id = orders.user_id;
-- case: update of another table by a subquery
UPDATE orders SET note = (SELECT full_name FROM users WHERE id = user_id);
-- case: update where
UPDATE users SET age = age + 1 WHERE full_name = 'Ada 1';
-- case: update returning star
UPDATE users SET age = 1 WHERE id = 1 RETURNING *;
-- case: update returning a joined star
UPDATE orders SET note = 'x' FROM users u WHERE u.id = user_id RETURNING u.*;
-- case: update only
UPDATE ONLY users SET full_name = '' WHERE id = 1;
-- case: delete where
DELETE FROM log USING users WHERE full_name = line;
-- case: delete of its rows by it
DELETE FROM users WHERE id > 900 AND full_name IS NULL;
-- case: delete returning the row
DELETE FROM users u WHERE id > 900 RETURNING u;
-- case: delete returning star into a log
WITH gone AS (DELETE FROM users WHERE id > 900 RETURNING *) INSERT INTO log (line) SELECT id::text FROM gone;
-- case: writable cte
WITH changed AS (UPDATE users SET full_name = 'x' WHERE id = 1 RETURNING id) SELECT count(*) FROM changed;
-- case: writable cte that returns the column
WITH changed AS (UPDATE users SET age = 1 WHERE id = 1 RETURNING full_name AS n) SELECT n FROM changed;
-- case: merge updates
-- from: 15
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET full_name = o.note;
-- case: merge inserts without a column list
-- from: 15
MERGE INTO users u USING (SELECT 901 AS id) s ON u.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'x');
-- case: merge inserts the column
-- from: 15
MERGE INTO users u USING (SELECT 901 AS id) s ON u.id = s.id WHEN NOT MATCHED THEN INSERT (id, full_name) VALUES (s.id, 'x');
-- case: merge by a condition
-- from: 15
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED AND u.full_name IS NULL THEN UPDATE SET age = 1;
-- case: merge joins by it
-- from: 15
MERGE INTO log l USING users u ON l.line = u.full_name WHEN NOT MATCHED THEN INSERT (line) VALUES ('x');
-- case: merge reads it as a source
-- from: 15
MERGE INTO log l USING users u ON false WHEN NOT MATCHED THEN INSERT (line) VALUES (u.full_name);
-- case: merge from a star
-- from: 15
MERGE INTO log l USING (SELECT * FROM users) s ON false WHEN NOT MATCHED THEN INSERT (line) VALUES (s.email);
-- case: merge returning star
-- from: 17
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1 RETURNING u.*;
-- case: merge by source
-- from: 17
MERGE INTO users u USING orders o ON u.id = o.id WHEN NOT MATCHED BY SOURCE AND u.full_name = 'x' THEN DELETE;
-- case: returning old
-- from: 18
UPDATE users SET age = 1 WHERE id = 1 RETURNING old.full_name;
-- case: returning the old row
-- from: 18
UPDATE users SET age = 1 WHERE id = 1 RETURNING to_jsonb(old);
-- case: returning new star
-- from: 18
DELETE FROM users WHERE id > 900 RETURNING new.*;
-- case: returning with names for old and new
-- from: 18
UPDATE users SET age = 1 WHERE id = 1 RETURNING WITH (OLD AS o) o.full_name;
-- case: copy to
COPY users TO STDOUT;
-- case: copy to with the column
COPY public.users (id, full_name) TO STDOUT WITH (FORMAT csv);
-- case: copy to in binary
COPY users TO STDOUT WITH (FORMAT binary);
-- case: copy from
COPY users FROM STDIN;
-- case: copy from with the column
COPY users (id, full_name) FROM STDIN WITH (FORMAT csv, HEADER);
-- case: copy from with the column not null
COPY users (id, full_name) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (full_name));
-- case: copy of a query
COPY (SELECT full_name FROM users) TO STDOUT;
-- case: copy of a star
COPY (SELECT * FROM users WHERE id < 5) TO STDOUT;
-- case: copy of a statement that returns
COPY (UPDATE users SET age = 1 WHERE id = 1 RETURNING *) TO STDOUT;
-- case: copy from where
COPY users (id) FROM STDIN WHERE full_name IS NULL;
-- case: copy of a partition
-- structure: column public.events.kind
COPY events_1 TO STDOUT;
-- case: insert into a partition
-- structure: column public.events.kind
INSERT INTO events_1 VALUES (5, 'x');
-- case: update through the parent
-- structure: column public.notes.body
UPDATE notes SET body = 'x' WHERE id = 7;
-- case: update of the child
-- structure: column public.notes.body
UPDATE notes_old SET body = 'x' WHERE id = 7;
