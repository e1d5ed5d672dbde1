CREATE TABLE public.users (id bigint PRIMARY KEY, full_name text NOT NULL, code text NOT NULL, amount numeric(10,2) NOT NULL);
CREATE INDEX users_full_name_idx ON public.users (full_name);
COMMENT ON TABLE public.users IS 'who may log in';
