-- Writes that look as if they touched users.full_name, and do not.
-- expect: no_use

-- case: insert with other columns
INSERT INTO users (id, first_name) VALUES (900, 'full_name');
-- case: insert default values
-- setup
CREATE SEQUENCE ids START 900;
ALTER TABLE users ALTER id SET DEFAULT nextval('ids');
-- run
INSERT INTO users DEFAULT VALUES;
-- case: insert from the other table's column
INSERT INTO users (id, first_name) SELECT id + 900, full_name FROM people;
-- case: insert from the other table's star
INSERT INTO log (at, line) SELECT now(), p.full_name FROM people p, users u WHERE u.id = p.id;
-- case: insert into the other table's column
INSERT INTO people (id, full_name) SELECT id + 900, first_name FROM users;
-- case: insert without a column list into another table
INSERT INTO people SELECT id + 900, first_name, email FROM users;
-- case: insert returning others
INSERT INTO users (id) VALUES (900) RETURNING id, email;
-- case: insert returning an output of that name
INSERT INTO users (id, first_name) VALUES (900, 'x') RETURNING first_name AS full_name;
-- case: upsert of others
INSERT INTO users (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = excluded.email WHERE users.age > 1;
-- case: upsert that does nothing
INSERT INTO users (id, email) VALUES (1, 'x') ON CONFLICT DO NOTHING;
-- case: upsert by a constraint
INSERT INTO users (id, email) VALUES (900, 'x') ON CONFLICT ON CONSTRAINT users_email_key DO UPDATE SET age = 1;
-- case: upsert of the other table's column
INSERT INTO people (id, full_name) SELECT id, email FROM users ON CONFLICT (id) DO UPDATE SET full_name = excluded.full_name;
-- case: upsert from values with that name
INSERT INTO users (id, first_name) SELECT v.id, v.full_name FROM (VALUES (900, 'x')) v (id, full_name)
ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name;
-- case: insert from a json record with that name
INSERT INTO users (id, first_name) SELECT 900, r.full_name FROM jsonb_to_record('{"full_name": "x"}') AS r (full_name text);
-- case: insert from a temporary table with the column
CREATE TEMP TABLE stage (id bigint, full_name text); INSERT INTO users (id, first_name) SELECT id, full_name FROM stage;
-- case: update of others
UPDATE users SET first_name = 'x', last_name = upper(last_name) WHERE id = 1 RETURNING id;
-- case: update of a list of others
UPDATE users SET (first_name, last_name) = ('full_name', email) WHERE id = 1;
-- case: update from the other table's column
UPDATE users SET first_name = people.full_name FROM people WHERE people.id = users.id;
-- case: update from a subquery over the other table
UPDATE users SET first_name = (SELECT full_name FROM people p WHERE p.id = users.id);
-- case: update of the other table's column
UPDATE people SET full_name = u.first_name FROM users u WHERE u.id = people.id;
-- case: update of the other table returning its star
UPDATE people SET nick = 'x' FROM users u WHERE u.id = people.id RETURNING people.*;
-- case: update from values with that name
UPDATE users SET first_name = v.full_name FROM (VALUES (1, 'x')) AS v (id, full_name) WHERE v.id = users.id;
-- case: update from a cte with that name
WITH s AS (SELECT id, nick AS full_name FROM people) UPDATE users u SET email = s.full_name FROM s WHERE s.id = u.id;
-- case: update from a temporary table with the column
CREATE TEMP TABLE stage (id bigint, full_name text);
UPDATE users u SET first_name = s.full_name FROM stage s WHERE s.id = u.id;
-- case: update of a json key
-- from: 14
UPDATE users SET data['full_name'] = '"x"' WHERE id = 1;
-- case: update with jsonb_set
UPDATE users SET data = jsonb_set(data, '{full_name}', '"x"');
-- case: update where current of
DECLARE c CURSOR FOR SELECT id FROM users FOR UPDATE; FETCH 1 FROM c; UPDATE users SET age = 1 WHERE CURRENT OF c;
-- case: delete
DELETE FROM users WHERE id = 999;
-- case: delete using the other table's column
DELETE FROM users USING people p WHERE p.id = users.id + 900 AND p.full_name = 'x';
-- case: delete of another table by others
DELETE FROM log USING users u WHERE u.email = log.line RETURNING log.*;
-- case: writable cte of others
WITH changed AS (UPDATE users SET age = 1 WHERE id = 1 RETURNING id, email AS full_name) SELECT full_name FROM changed;
-- case: merge of others
-- from: 15
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1
WHEN NOT MATCHED THEN INSERT (id, first_name) VALUES (o.id, o.note);
-- case: merge from the other table's column
-- from: 15
MERGE INTO users u USING people p ON u.id = p.id WHEN MATCHED AND p.full_name <> '' THEN UPDATE SET first_name = p.full_name;
-- case: merge into the other table's column
-- from: 15
MERGE INTO people p USING users u ON u.id = p.id WHEN MATCHED THEN UPDATE SET full_name = u.first_name;
-- case: copy to of others
COPY users (id, email) TO STDOUT;
-- case: copy from of others
COPY users (id, first_name) FROM STDIN WITH (FORMAT csv);
-- case: copy of the other table
COPY people TO STDOUT;
-- case: copy of a query of others
COPY (SELECT id, first_name AS full_name FROM users) TO STDOUT;
-- case: copy from with a condition on others
COPY users (id, age) FROM STDIN WHERE age > 3;
-- case: copy with a null string of that name
COPY users (id, email) TO STDOUT WITH (NULL 'full_name');
-- case: copy of others of a partition
-- structure: column public.events.kind
COPY events_1 (id, place) TO STDOUT;
-- case: insert of others through the parent
-- structure: column public.events.kind
INSERT INTO events (id, place) VALUES (6, 'kind');
-- case: insert through a view without it
-- setup
CREATE VIEW emails AS SELECT id, email FROM users;
-- run
INSERT INTO emails VALUES (900, 'x');
-- case: returning old of others
-- from: 18
UPDATE users SET age = 1 WHERE id = 1 RETURNING old.age, new.age;
-- case: returning old of another table
-- from: 18
UPDATE people SET full_name = 'x' FROM users u WHERE u.id = people.id RETURNING old.full_name;
-- case: an alias named old
DELETE FROM users USING people old WHERE old.id = users.id + 900 RETURNING old.full_name;
-- case: upsert by an index beside one that includes the column
-- setup
CREATE UNIQUE INDEX by_parent ON users (parent_id, age);
CREATE UNIQUE INDEX with_name ON users (parent_id, age) INCLUDE (full_name);
-- allow: with_name
-- run
INSERT INTO users (id, parent_id) VALUES (900, 7) ON CONFLICT (parent_id, age) DO NOTHING;
-- case: upsert by another index than the one over the column
-- setup
ALTER TABLE users ADD CONSTRAINT one_of_a_kind UNIQUE (full_name, age);
-- allow: one_of_a_kind
-- run
INSERT INTO users (id) VALUES (900) ON CONFLICT (id) DO NOTHING;
-- case: merge returning others
-- from: 17
MERGE INTO users u USING orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET age = 1 RETURNING merge_action(), u.id;
-- case: update returning new of others under a name
-- from: 18
UPDATE users SET age = 1 WHERE id = 1 RETURNING WITH (OLD AS full_name) full_name.age;
