-- What every case finds: a shop. The column in question is public.users.full_name unless the case names another.
CREATE TABLE public.users (
  id bigint PRIMARY KEY, full_name text, first_name text, last_name text, email text CONSTRAINT users_email_key UNIQUE,
  age integer, data jsonb, parent_id bigint);
CREATE TABLE public.orders (
  id bigint PRIMARY KEY, user_id bigint REFERENCES public.users (id), total numeric, note text, placed_on date);
-- Has a column of the same name, which is nobody's business here.
CREATE TABLE public.people (id bigint PRIMARY KEY, full_name text, nick text);
-- Partitioned, and inherited.
CREATE TABLE public.events (id bigint, kind text, place text) PARTITION BY RANGE (id);
CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (0) TO (100);
CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM (100) TO (200);
CREATE TABLE public.notes (id bigint, body text, mood text);
CREATE TABLE public.notes_old (kept_until date) INHERITS (public.notes);
CREATE TABLE public.log (at timestamptz DEFAULT now(), line text);

INSERT INTO public.users
SELECT g, 'Ada ' || g, 'Ada', g::text, 'ada' || g || '@shop', 20 + g, '{"full_name": "x"}', CASE WHEN g > 1 THEN 1 END
FROM generate_series(1, 20) g;
INSERT INTO public.orders SELECT g, 1 + g % 20, g, 'note', '2026-01-01' FROM generate_series(1, 40) g;
INSERT INTO public.people SELECT g, 'Bob ' || g, 'b' || g FROM generate_series(1, 10) g;
INSERT INTO public.events SELECT g, 'visit', 'here' FROM generate_series(1, 150) g;
INSERT INTO public.notes SELECT g, 'body', 'glad' FROM generate_series(1, 5) g;
INSERT INTO public.notes_old SELECT g, 'body', 'glad', '2027-01-01' FROM generate_series(6, 9) g;

DO $$ BEGIN
  CREATE ROLE corpus_clerk;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
