-- Bodies that hold the name, and do without users.full_name.
-- expect: no_use

-- case: sql body of others
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(first_name) AS full_name FROM public.users';
-- run
SELECT f();
-- case: sql body over the other table
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT max(p.full_name) FROM public.people p JOIN public.users u USING (id)';
-- case: sql with a parameter of that name
-- setup
CREATE FUNCTION f(full_name text) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO public.users (id, first_name) VALUES (900, split_part(full_name, ' ', 1)) $$;
-- run
SELECT f('a b');
-- case: sql with a parameter qualified by the function
-- setup
CREATE FUNCTION f(full_name text) RETURNS void LANGUAGE sql AS
  $$ UPDATE public.users SET first_name = f.full_name WHERE id = 1 $$;
-- run
SELECT f('a b');
-- case: sql with a comment
-- setup
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) /* not full_name */ FROM public.users $$;
-- case: sql with an output parameter of that name
-- setup
CREATE FUNCTION f(OUT full_name text) LANGUAGE sql AS $$ SELECT max(email) FROM public.users $$;
-- run
SELECT full_name FROM f();
-- case: returns table with that name
-- setup
CREATE FUNCTION f() RETURNS TABLE (id bigint, full_name text) LANGUAGE sql AS $$ SELECT id, email FROM public.users $$;
-- run
SELECT full_name FROM f() WHERE full_name LIKE 'a%';
-- case: plpgsql body of others
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS
  $$ DECLARE e text; BEGIN SELECT email INTO e FROM public.users WHERE id = 1; RETURN e; END $$;
-- run
SELECT f();
-- case: plpgsql variable of that name
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE full_name text; BEGIN
  full_name := 'a b'; INSERT INTO public.users (id, first_name) VALUES (900, split_part(full_name, ' ', 1)); END $$;
-- run
SELECT f();
-- case: plpgsql parameter of that name
-- setup
CREATE FUNCTION f(full_name text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE i bigint; BEGIN
  IF full_name IS NULL THEN RETURN NULL; END IF;
  SELECT id INTO i FROM public.users WHERE email = f.full_name; RETURN i; END $$;
-- run
SELECT f('x');
-- case: plpgsql parameter qualified in a write
-- setup
CREATE FUNCTION f(full_name text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN UPDATE public.users SET first_name = f.full_name WHERE id = 1; END $$;
-- run
SELECT f('x');
-- case: plpgsql use_variable
-- setup
CREATE FUNCTION f(full_name text) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN UPDATE public.users SET first_name = full_name WHERE id = 1; END $$;
-- run
SELECT f('x');
-- case: plpgsql record with a field of that name
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  FOR r IN SELECT id, full_name FROM public.people LOOP
    UPDATE public.users SET first_name = r.full_name WHERE id = r.id;
  END LOOP; END $$;
-- run
SELECT f();
-- case: plpgsql row of the other table
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE p public.people%ROWTYPE; BEGIN
  SELECT * INTO p FROM public.people WHERE id = 1;
  UPDATE public.users SET first_name = p.full_name WHERE id = p.id; END $$;
-- run
SELECT f();
-- case: plpgsql type of another column
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE full_name public.users.email%TYPE; BEGIN
  SELECT email INTO full_name FROM public.users WHERE id = 1; RETURN full_name; END $$;
-- run
SELECT f();
-- case: plpgsql comment
-- setup
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN -- full_name is not read
  RETURN (SELECT count(*) FROM public.users); END $$;
-- case: plpgsql message
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  IF NOT EXISTS (SELECT * FROM public.users) THEN RAISE EXCEPTION 'no full_name' USING HINT = 'see users'; END IF; END $$;
-- run
SELECT f();
-- case: plpgsql label
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  <<full_name>> WHILE (SELECT count(*) FROM public.users) > 0 LOOP EXIT full_name; END LOOP full_name; END $$;
-- case: plpgsql cursor of that name
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE full_name CURSOR FOR SELECT id FROM public.users; i bigint;
BEGIN OPEN full_name; FETCH full_name INTO i; CLOSE full_name; END $$;
-- run
SELECT f();
-- case: plpgsql star of the other table
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN
  FOR r IN SELECT p.* FROM public.people p JOIN public.users u ON u.id = p.id LOOP NULL; END LOOP; END $$;
-- run
SELECT f();
-- case: plpgsql execute of something else
-- setup
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE 'SET LOCAL work_mem = ''8MB'''; RETURN (SELECT count(*) FROM public.users); END $$;
-- run
SELECT f();
-- case: plpgsql execute of a built string over another table
-- setup
CREATE FUNCTION f(c text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN
  EXECUTE format('SELECT count(%I) FROM public.orders', c) INTO n;
  RETURN n + (SELECT count(*) FROM public.users); END $$;
-- run
SELECT f('note');
-- case: plpgsql json key
-- setup
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE d jsonb; BEGIN
  SELECT data INTO d FROM public.users WHERE id = 1; RETURN d ->> 'full_name'; END $$;
-- run
SELECT f();
-- case: plpgsql json that is built
-- setup
CREATE FUNCTION f() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
  RETURN (SELECT jsonb_agg(jsonb_build_object('full_name', u.first_name || ' ' || u.last_name)) FROM public.users u); END $$;
-- run
SELECT f();
-- case: plpgsql returns table with that name
-- setup
CREATE FUNCTION f() RETURNS TABLE (full_name text) LANGUAGE plpgsql AS $$ BEGIN
  RETURN QUERY SELECT u.email FROM public.users u; END $$;
-- run
SELECT full_name FROM f();
-- case: plpgsql assigns its output of that name
-- setup
CREATE FUNCTION f(OUT full_name text) LANGUAGE plpgsql AS $$ BEGIN
  SELECT u.email INTO full_name FROM public.users u WHERE u.id = 1; END $$;
-- run
SELECT f();
-- case: plpgsql case and loops over others
-- setup
CREATE FUNCTION f(full_name text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE u record; BEGIN
  CASE full_name WHEN 'a', 'b' THEN RETURN 1; ELSE NULL; END CASE;
  FOR i IN REVERSE 3 .. 1 BY 1 LOOP CONTINUE WHEN full_name = 'x'; END LOOP;
  FOR u IN SELECT id, CASE WHEN age > 3 THEN 1 END AS a FROM public.users LOOP EXIT WHEN u.a = 1; END LOOP;
  RETURN CASE WHEN full_name IS NULL THEN 2 ELSE 3 END;
EXCEPTION WHEN OTHERS THEN RAISE WARNING '%: %', SQLSTATE, full_name; RETURN 4; END $$;
-- run
SELECT f('c');
-- case: plpgsql upsert of others
-- setup
CREATE FUNCTION f(full_name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.users AS u (id, first_name) VALUES (1, f.full_name)
  ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name WHERE u.age > 3; END $$;
-- run
SELECT f('c');
-- case: plpgsql dynamic filter given as a value
-- setup
CREATE FUNCTION f(full_name text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN
  EXECUTE 'SELECT count(*) FROM public.users WHERE email = $1' INTO n USING full_name; RETURN n; END $$;
-- run
SELECT f('c');
-- case: trigger that changes others
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.email := lower(NEW.email); IF TG_OP = 'UPDATE' AND OLD.age > NEW.age THEN RAISE 'full_name'; END IF; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- run
UPDATE users SET email = 'X' WHERE id = 1;
-- case: trigger that logs others
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) VALUES (OLD.email || NEW.email); RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- run
UPDATE users SET email = 'X' WHERE id = 1;
-- case: trigger of the other table with the column
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN UPDATE public.users SET first_name = NEW.full_name WHERE id = NEW.id; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION t();
-- run
UPDATE people SET nick = 'x' WHERE id = 1;
-- case: trigger of the other table that serializes
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) VALUES (to_jsonb(NEW)::text); RETURN NEW; END $$;
CREATE TRIGGER t AFTER UPDATE ON people FOR EACH ROW EXECUTE FUNCTION t();
-- run
UPDATE people SET nick = (SELECT email FROM users WHERE id = 1) WHERE id = 1;
-- case: trigger that keeps the old row on delete away
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF OLD.age > 17 THEN RETURN NULL; END IF; RETURN OLD; END $$;
CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION t();
-- case: transition table of others
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) SELECT email AS full_name FROM added; RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON users REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION t();
-- run
INSERT INTO users (id, email) VALUES (900, 'x');
-- case: transition table of the other table
-- setup
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.log (line) SELECT a.full_name FROM added a JOIN public.users u ON u.id = a.id; RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON people REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION t();
-- run
INSERT INTO people (id, full_name) VALUES (900, 'x');
-- case: event trigger that names it
-- setup
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ <<l>> DECLARE full_name text := tg_tag; BEGIN
  INSERT INTO public.log (line) SELECT l.full_name || count(*) FROM public.users; END $$;
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
-- run
CREATE TABLE passing (full_name text);
-- case: a function that takes the other table's rows
-- setup
CREATE FUNCTION f(p people) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN RETURN p.full_name || (SELECT count(*) FROM public.users); END $$;
-- run
SELECT f(p) FROM people p;
