CREATE TABLE users (id bigint PRIMARY KEY, mail text, tel text, search text);
CREATE FUNCTION searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.search := lower(NEW.mail); RETURN NEW; END $$;
CREATE TRIGGER users_search BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION searched();
