ALTER TABLE users ALTER id TYPE bigint, ALTER boss_id TYPE bigint;
ALTER SEQUENCE users_id_seq AS bigint;
ALTER TABLE lines ALTER user_id TYPE bigint;
ALTER TABLE notes ALTER user_id TYPE bigint;
ALTER TABLE visits ALTER user_id TYPE bigint;
