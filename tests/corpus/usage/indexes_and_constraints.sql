-- Indexes and constraints: what rests on them without reading them.

-- case: index inferred by on conflict
-- expect: use
-- structure: index public.orders_key
-- setup
CREATE UNIQUE INDEX orders_key ON orders (user_id, id);
-- run
INSERT INTO orders (id, user_id) VALUES (900, 1) ON CONFLICT (id, user_id) DO NOTHING;
-- case: index that any conflict may rest on
-- expect: use
-- structure: index public.orders_key
-- setup
CREATE UNIQUE INDEX orders_key ON orders (user_id, id);
-- run
INSERT INTO orders (id, user_id) VALUES (900, 1) ON CONFLICT DO NOTHING;
-- case: index of a constraint
-- expect: use
-- structure: index public.users_email_key
SELECT 1;
-- case: index that a foreign key rests on
-- expect: use
-- structure: index public.orders_key
-- setup
CREATE UNIQUE INDEX orders_key ON orders (total);
CREATE TABLE bills (total numeric REFERENCES orders (total));
-- case: index inferred through its expression
-- expect: use
-- structure: index public.orders_key
-- setup
CREATE UNIQUE INDEX orders_key ON orders (lower(note), id);
-- run
INSERT INTO orders (id, note) VALUES (900, 'x') ON CONFLICT (id, lower(note)) DO NOTHING;
-- case: constraint named by on conflict
-- expect: use
-- structure: constraint public.users.users_email_key
INSERT INTO users (id, email) VALUES (900, 'x') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING;
-- case: constraint inferred by on conflict
-- expect: use
-- structure: constraint public.users.users_email_key
INSERT INTO users (id, email) VALUES (900, 'x') ON CONFLICT (email) DO UPDATE SET age = 1;
-- case: constraint that a foreign key rests on
-- expect: use
-- structure: constraint public.users.users_email_key
-- setup
CREATE TABLE fans (of text REFERENCES users (email));
-- case: constraint a view's grouping rests on
-- expect: use
-- structure: constraint public.users.users_pkey
-- setup
CREATE VIEW grouped AS SELECT id, email, count(*) FROM users GROUP BY id;
-- case: upsert in a function
-- expect: use
-- structure: constraint public.users.users_email_key
-- setup
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.users (id, email) VALUES (900, 'x') ON CONFLICT (email) DO NOTHING; END $$;
-- run
SELECT f();
-- case: plain index of which queries know nothing
-- expect: no_use
-- structure: index public.orders_note
-- setup
CREATE INDEX orders_note ON orders (note);
-- run
INSERT INTO orders (id, note) VALUES (900, 'orders_note') ON CONFLICT (id) DO NOTHING;
-- case: constraint of which another is inferred
-- expect: no_use
-- structure: constraint public.users.users_email_key
INSERT INTO users (id, email) VALUES (900, 'x') ON CONFLICT (id) DO NOTHING;
-- case: a check that statements only meet
-- expect: no_use
-- structure: constraint public.orders.some_total
-- setup
ALTER TABLE orders ADD CONSTRAINT some_total CHECK (total > 0) NOT VALID;
-- run
INSERT INTO orders (id, total) VALUES (900, 1); SELECT * FROM orders;
