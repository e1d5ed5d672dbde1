SET statement_timeout = 0;
SET lock_timeout = '5s';
SELECT pg_catalog.set_config('search_path', '', false);

BEGIN;
ALTER TABLE public."users" ADD "status" character varying;
UPDATE public."users" SET "status" = 'active';
UPDATE public."users" SET "status" = 'banned' WHERE "users"."banned";
ALTER TABLE public."users" ALTER COLUMN "status" SET DEFAULT 'active';
ALTER TABLE public."users" ALTER COLUMN "status" SET NOT NULL;
ALTER TABLE public."users" ADD CONSTRAINT users_status_known CHECK (status IN ('active', 'banned'));
CREATE INDEX "index_users_on_status_and_created_at" ON public."users" USING btree ("status", "created_at" DESC);
INSERT INTO public."schema_migrations" (version) VALUES ('20240502101112');
COMMIT;
