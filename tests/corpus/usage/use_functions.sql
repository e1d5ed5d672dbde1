-- Functions and procedures with bodies that the catalog does not see into, and what they run.
-- expect: use

-- case: sql
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM public.users';
-- case: sql with a star
-- setup
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT id FROM (SELECT * FROM public.users) s LIMIT 1';
-- case: sql that inserts without a column list
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.users VALUES (900, 'x') $$;
-- case: sql with a parameter of the column's name, and the column wins
-- setup
CREATE FUNCTION f(full_name text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM public.users WHERE full_name = full_name $$;
-- case: sql that calls another
-- setup
CREATE FUNCTION inner_one() RETURNS text LANGUAGE sql AS 'SELECT max(full_name) FROM public.users';
CREATE FUNCTION outer_one() RETURNS text LANGUAGE sql AS 'SELECT public.inner_one()';
-- run
SELECT outer_one();
-- case: sql with a return table
-- setup
CREATE FUNCTION f() RETURNS TABLE (a bigint, b text) LANGUAGE sql AS 'SELECT id, full_name FROM public.users';
-- case: security definer
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT max(full_name) FROM users';
-- run
GRANT EXECUTE ON FUNCTION f() TO corpus_clerk; SET LOCAL ROLE corpus_clerk; SELECT f();
-- case: plpgsql select into
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$
DECLARE n text; BEGIN SELECT full_name INTO STRICT n FROM public.users WHERE id = 1; RETURN n; END $$;
-- case: plpgsql return
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(full_name) FROM public.users); END $$;
-- case: plpgsql return query
-- setup
CREATE FUNCTION f() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT full_name FROM public.users; END $$;
-- case: plpgsql assignment of an expression with a table
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$
DECLARE n text; BEGIN n := full_name FROM public.users WHERE id = 1; RETURN n; END $$;
-- case: plpgsql condition
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM public.users WHERE full_name IS NULL) THEN RETURN 1; END IF; RETURN 2; END $$;
-- case: plpgsql elsif
-- setup
CREATE FUNCTION f(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  IF i = 1 THEN RETURN 1; ELSIF (SELECT full_name FROM public.users WHERE id = i) > 'B' THEN RETURN 3; ELSE RETURN 2; END IF; END $$;
-- case: plpgsql while
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  WHILE (SELECT count(full_name) FROM public.users) < 0 LOOP NULL; END LOOP; RETURN 1; END $$;
-- case: plpgsql for over a query
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  FOR r IN SELECT id, full_name AS n FROM public.users LOOP PERFORM r.n; END LOOP; RETURN 1; END $$;
-- case: plpgsql for over a star
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  <<rows>> FOR r IN SELECT * FROM public.users LOOP EXIT rows WHEN r.id > 3; END LOOP; RETURN 1; END $$;
-- case: plpgsql bounds of a loop
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1 .. (SELECT max(length(full_name)) FROM public.users) LOOP NULL; END LOOP; RETURN 1; END $$;
-- case: plpgsql foreach
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY (SELECT array_agg(full_name) FROM public.users) LOOP NULL; END LOOP; RETURN 1; END $$;
-- case: plpgsql case statement
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  CASE (SELECT full_name FROM public.users WHERE id = 1) WHEN 'a' THEN RETURN 1; ELSE RETURN 2; END CASE; END $$;
-- case: plpgsql exit when
-- setup
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  LOOP EXIT WHEN (SELECT full_name FROM public.users WHERE id = 1) IS NOT NULL; END LOOP; RETURN 1; END $$;
-- case: plpgsql raise with an argument
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  RAISE NOTICE 'first is %', (SELECT min(full_name) FROM public.users) USING HINT = 'none'; END $$;
-- case: plpgsql raise using
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION USING MESSAGE = 'no ' || (SELECT min(full_name) FROM public.users); END $$;
-- case: plpgsql assert
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  ASSERT (SELECT count(full_name) FROM public.users) > 0, 'none'; END $$;
-- case: plpgsql cursor declaration
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE
  c CURSOR (k bigint) FOR SELECT full_name FROM public.users WHERE id = k; n text;
  BEGIN OPEN c(1); FETCH c INTO n; CLOSE c; END $$;
-- case: plpgsql open for
-- setup
CREATE FUNCTION f() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE c refcursor;
  BEGIN OPEN c NO SCROLL FOR SELECT * FROM public.users; RETURN c; END $$;
-- case: plpgsql rowtype
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE u public.users%ROWTYPE; BEGIN u.full_name := 'x'; END $$;
-- case: plpgsql variable of the row type
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE u users; BEGIN u := NULL; END $$;
-- case: plpgsql variable of an array of rows
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE u public.users[]; BEGIN NULL; END $$;
-- case: plpgsql type of the column
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE n public.users.full_name%TYPE; BEGIN n := 'x'; END $$;
-- case: plpgsql default of a variable
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$
DECLARE n CONSTANT text NOT NULL DEFAULT (SELECT full_name FROM public.users WHERE id = 1); BEGIN NULL; END $$;
-- case: plpgsql in a nested block
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  <<inner>> DECLARE n text; BEGIN n := (SELECT full_name FROM public.users WHERE id = 1); END inner; END $$;
-- case: plpgsql in an exception handler
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN NULL;
EXCEPTION WHEN unique_violation OR SQLSTATE '22012' THEN UPDATE public.users SET full_name = ''; WHEN others THEN NULL; END $$;
-- case: plpgsql insert returning into
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE n text; BEGIN
  INSERT INTO public.users (id) VALUES (900) RETURNING full_name INTO n; RETURN n; END $$;
-- case: plpgsql update of a list
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE public.users SET (age, full_name) = (1, 'x'); END $$;
-- case: plpgsql perform
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM public.users ORDER BY full_name; END $$;
-- case: plpgsql execute of a constant
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE public.users SET full_name = NULL'; END $$;
-- case: plpgsql execute of a built string
-- setup
CREATE FUNCTION f(c text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('SELECT %I FROM public.users', c); END $$;
-- case: plpgsql execute of a variable that holds the table's name
-- setup
CREATE FUNCTION f(c text) RETURNS void LANGUAGE plpgsql AS
  $$ DECLARE t text := 'users'; BEGIN EXECUTE 'SELECT ' || c || ' FROM ' || t; END $$;
-- case: plpgsql execute of what another table says
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE q text; BEGIN
  FOR q IN SELECT line FROM public.log LOOP EXECUTE q; END LOOP; END $$;
INSERT INTO log (line) VALUES ('UPDATE public.users SET full_name = upper(full_name)');
-- run
SELECT f();
-- case: plpgsql return query execute
-- setup
CREATE FUNCTION f() RETURNS SETOF text LANGUAGE plpgsql AS
  $$ BEGIN RETURN QUERY EXECUTE 'SELECT full_name FROM public.users WHERE id > $1' USING 1; END $$;
-- case: plpgsql for in execute
-- setup
CREATE FUNCTION f(c text) RETURNS void LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  FOR r IN EXECUTE 'SELECT ' || c || ' AS v FROM public.users' LOOP NULL; END LOOP; END $$;
-- case: plpgsql call of a reader
-- setup
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN UPDATE public.users SET full_name = '' WHERE false; END $$;
CREATE PROCEDURE q() LANGUAGE plpgsql AS $$ BEGIN CALL public.p(); END $$;
-- run
CALL q();
-- case: plpgsql use_variable and a qualified column
-- setup
CREATE FUNCTION f(full_name text) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN RETURN (SELECT count(*) FROM public.users u WHERE u.full_name = full_name); END $$;
-- case: trigger that changes NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.full_name := lower(NEW.full_name); RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that assigns NEW with =
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new."full_name" = ''; RETURN new; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that selects into NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN SELECT nick INTO new.full_name FROM public.people WHERE id = new.id; RETURN new; END $$;
CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that compares OLD
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF OLD.full_name IS DISTINCT FROM NEW.full_name THEN RAISE 'no'; END IF; RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that serializes NEW
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) VALUES (to_jsonb(NEW)::text); RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- run
UPDATE users SET age = 1 WHERE id = 1;
-- case: trigger that inserts the whole old row
-- setup
CREATE TABLE gone (LIKE users);
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.gone VALUES (OLD.*); RETURN OLD; END $$;
CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that compares whole rows
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW = OLD THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that asks whether the whole row is set
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW IS NOT NULL THEN RAISE 'full'; END IF; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that keeps the row in a record
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ DECLARE r record; BEGIN r := NEW; RAISE NOTICE '%', r.full_name; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that asks for a key of the row
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF row_to_json(NEW) ->> 'full_name' = '' THEN RAISE 'no'; END IF; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that executes with the row
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'INSERT INTO public.log (line) SELECT ($1).full' || '_name' USING NEW; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: trigger that executes over its table
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('SELECT * FROM %I.%I', tg_table_schema, tg_table_name); RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users FOR EACH STATEMENT EXECUTE FUNCTION t();
-- case: transition table with the column
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) SELECT full_name FROM added; RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON users REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION t();
-- case: transition tables with whole rows
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) SELECT to_jsonb(b)::text FROM before b JOIN after a USING (id); RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION t();
-- run
UPDATE users SET age = 1 WHERE id = 1;
-- case: transition tables compared with EXCEPT
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF EXISTS (TABLE before EXCEPT TABLE after) THEN RAISE NOTICE 'changed'; END IF; RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION t();
-- case: function over a view that has it
-- setup
CREATE VIEW docs AS SELECT to_jsonb(u) AS doc FROM users u;
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(doc) FROM public.docs); END $$;
-- case: a body of quoted names
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE "public"."users" AS "U" SET "full_name" = "U"."email"; END $$;
-- case: a body with unicode escapes
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM U&"\0066ull_name" FROM public.users; END $$;
-- case: a body of SQL with unicode escapes in the table
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT max(U&"\0066ull_name") FROM U&"\0075sers" $$;
-- case: merge in plpgsql
-- from: 15
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  MERGE INTO public.users u USING public.orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET full_name = o.note; END $$;
-- case: a body of newer grammar
-- from: 17
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE i bigint; BEGIN
  MERGE INTO public.users u USING public.orders o ON u.id = o.id WHEN MATCHED THEN UPDATE SET full_name = o.note
  RETURNING u.id INTO i; END $$;
-- case: a statement of it that only its caller names
-- setup
CREATE FUNCTION count_of(query text) RETURNS bigint LANGUAGE plpgsql AS
  $$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM (' || query || ') q' INTO n; RETURN n; END $$;
-- run
SELECT count_of('SELECT full_name FROM users');
