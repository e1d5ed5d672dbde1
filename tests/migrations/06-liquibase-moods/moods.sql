--liquibase formatted sql

--changeset ann:1 labels:moods
CREATE TYPE mood AS ENUM ('glad', 'sad');
--rollback DROP TYPE mood;

--changeset ann:2
ALTER TABLE users ADD mood mood DEFAULT 'glad' NOT NULL;
--rollback ALTER TABLE users DROP COLUMN mood;

--changeset ann:3 splitStatements:false
CREATE FUNCTION mood_of(who bigint) RETURNS mood LANGUAGE plpgsql STABLE AS $body$
BEGIN
  RETURN (SELECT u.mood FROM users u WHERE u.id = who);
END
$body$;
--rollback DROP FUNCTION mood_of(bigint);

--changeset bob:4
CREATE VIEW glad_users AS SELECT id, name FROM users WHERE name <> '';
GRANT SELECT ON glad_users TO migration_reader;
--rollback DROP VIEW glad_users;
