-- A check is resolved once, when the plan starts, and made of the server's own words, as a dump and its restore do: the
-- server writes an IN list of varchar another way the second time.
DO $$
DECLARE
  words text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO words FROM pg_constraint WHERE conname = 'users_status_known';
  ALTER TABLE users DROP CONSTRAINT users_status_known;
  EXECUTE 'ALTER TABLE users ADD CONSTRAINT users_status_known ' || words;
END $$;
