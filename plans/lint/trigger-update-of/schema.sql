CREATE TABLE users (id bigint PRIMARY KEY, mail text, tel text);
CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER users_audit AFTER UPDATE OF mail ON users FOR EACH ROW EXECUTE FUNCTION audited();
